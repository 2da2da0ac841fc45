"""Tiny models as GGUF files, written by the ``gguf`` package as llama.cpp's converter does."""

from pathlib import Path

import gguf
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from tests.tiny_models import CONTEXT

#: llama.cpp's names of a block's tensors.
_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def wide_llama(seed: int, vocabulary: int) -> LlamaForCausalLM:
    """Tied, every width a multiple of the 32 weights of a GGUF block."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def write_gguf(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, file: Path, kind: str = "Q4_1"
) -> LlamaForCausalLM:
    """Write ``file`` with matrices of a type such as ``Q4_1`` and vectors in float32.

    Returns:
        The model with the weights that the file decodes to, by the ``gguf`` package alone.
    """
    config = model.config
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, tokenizer)
    decoded = {}
    for name, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        heads = next((n for part, n in heads.items() if part in name), None)
        if heads:  # rotary halves lie interleaved in llama.cpp
            values = (
                values.reshape(heads, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
            )
        quantized = gguf.GGMLQuantizationType[kind if values.ndim > 1 else "F32"]
        stored = gguf.quants.quantize(values, quantized)
        writer.add_tensor(_name(name), stored, raw_dtype=quantized)
        back = torch.from_numpy(gguf.quants.dequantize(stored, quantized).reshape(values.shape))
        if heads:
            back = back.reshape(heads, -1, 2, back.shape[1]).swapaxes(1, 2).reshape(back.shape)
        decoded[name] = back
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    restored = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in restored.named_parameters():
            parameter.copy_(decoded[name])
    return restored


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerBase) -> None:
    import json

    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    special = set(tokenizer.all_special_tokens)
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in special else normal for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)


def _name(name: str) -> str:
    ends = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}
    module = name.removesuffix(".weight")
    if module in ends:
        return f"{ends[module]}.weight"
    _, _, index, rest = module.split(".", 3)
    return f"blk.{index}.{_NAMES[rest]}.weight"
