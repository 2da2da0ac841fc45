"""A button that copies a text in the visitor's browser.

If a page may not write to the clipboard (plain http on another machine, a frame of another
site), the older way of copying a selection is tried, and if that fails the text is shown selected.
The text is data, never part of the component's HTML or JavaScript.
"""

import streamlit as st

_HTML = """
<button type="button"><span aria-hidden="true"></span><span role="status"></span></button>
<input type="text" readonly hidden aria-label="The link, to copy by hand">
"""

_CSS = """
:host { font-family: var(--st-font); }
button, input {
  box-sizing: border-box; height: 2.5rem; font: inherit; font-size: 0.875rem;
  padding: 0 0.75rem; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button { cursor: pointer; white-space: nowrap; display: inline-flex; align-items: center;
  gap: 0.4rem; }
button:hover { color: var(--st-primary-color); border-color: var(--st-primary-color); }
button:focus-visible, input:focus-visible { outline: 2px solid var(--st-primary-color);
  outline-offset: 1px; }
input { width: 16rem; }
svg { width: 1.05rem; height: 1.05rem; display: block; }
"""

_JS = """
const LINK = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ' +
  'stroke-linecap="round"><path d="M10 14a5 5 0 0 0 7.1 0l2.8-2.8a5 5 0 0 0-7.1-7.1L11.4 5.5"/>' +
  '<path d="M14 10a5 5 0 0 0-7.1 0l-2.8 2.8a5 5 0 0 0 7.1 7.1l1.4-1.4"/></svg>';
const DONE = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4" ' +
  'stroke-linecap="round" stroke-linejoin="round"><path d="M5 12.5l4.5 4.5L19 7.5"/></svg>';

async function copied(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {  // not allowed here, or no such thing
    field.hidden = false;
    field.select();
    const done = document.execCommand("copy");
    field.hidden = done;
    return done;
  }
}

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const [icon, label] = button.children;
  const field = parentElement.querySelector("input");
  const say = (picture, words) => {
    icon.innerHTML = picture;
    label.textContent = words;
    button.setAttribute("aria-label", words);  // a live region inside gives a button no name
  };
  let timer;
  field.value = data.text;
  field.hidden = true;
  say(LINK, data.label);
  button.title = data.help;
  button.onclick = async () => {
    clearTimeout(timer);
    if (await copied(data.text, field)) {
      button.focus();
      say(DONE, data.done);
    } else {
      field.focus();
      field.select();
      say(LINK, data.by_hand);
    }
    timer = setTimeout(() => say(LINK, data.label), 2500);
  };
  return () => clearTimeout(timer);
}
"""

_component = st.components.v2.component("boundscape_copy", html=_HTML, css=_CSS, js=_JS)


def copy_button(label: str, text: str, help_text: str, key: str) -> None:
    """A button with a ``label`` that copies ``text``."""
    _component(
        data={
            "label": label,
            "text": text,
            "help": help_text,
            "done": "Link copied",
            "by_hand": "Press Ctrl+C",
        },
        key=key,
        width="content",
    )
