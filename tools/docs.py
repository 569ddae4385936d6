"""Write every document that is rendered from code: `python -m tools.docs` (part of `make fix`)."""

from pathlib import Path

from tools import cost_docs, openapi_docs, role_docs, settings_docs

ROOT = Path(__file__).resolve().parent.parent


def rendered() -> dict[Path, str]:
    """The text that each rendered file must have, by path."""
    return {**settings_docs.rendered(), **role_docs.rendered(), **openapi_docs.rendered(), **cost_docs.rendered()}


def main() -> None:
    for path, text in rendered().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
