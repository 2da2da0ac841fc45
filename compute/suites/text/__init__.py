"""Texts: documents, tokenizers, token windows and what is drawn of them."""
