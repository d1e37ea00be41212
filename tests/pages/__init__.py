"""The generated pages of `docs/`, one module each: nothing in, Markdown out."""
