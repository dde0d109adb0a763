"""Makes the sources of the site: FOLDER/book.toml and FOLDER/src, from docs/.

The table of contents is that of docs/index.md. Links to files beside docs/ lead to the repository. Without dependencies.
"""

import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^()\s]+)\)")
ITEM = re.compile(r"^- \[([^]]+)\]\(([^)]+)\)")


def repository():
    return re.search(r'^repository = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


def summary(index):
    """The table of contents as mdBook reads it: a part for each heading, a chapter for each item."""
    lines = ["# Summary", "", "[tfbackend](index.md)"]
    for line in index.splitlines():
        if line.startswith("## "):
            lines += ["", f"# {line[3:]}", ""]
        elif item := ITEM.match(line):
            lines.append(f"- [{item[1]}]({item[2]})")
    return "\n".join(lines) + "\n"


def relinked(text, folder, address):
    """The page with links out of docs/ as links to the repository. Blocks of code stay as they are."""

    def link(found):
        target, hash, anchor = found[1].partition("#")
        path = posixpath.normpath(posixpath.join("docs", folder, target)) if target else "docs"
        if "://" in found[1] or path == "docs" or path.startswith("docs/"):
            return found[0]
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"]({address}/{kind}/main/{path}{hash}{anchor})"

    parts = re.split(r"(^ *```.*?^ *```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if at % 2 else LINK.sub(link, part) for at, part in enumerate(parts))


def main(folder):
    address = repository()
    source = folder / "src"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS, source)
    for page in source.rglob("*.md"):
        inside = page.parent.relative_to(source).as_posix()
        page.write_text(relinked(page.read_text(encoding="utf-8"), inside, address), encoding="utf-8")
    (source / "SUMMARY.md").write_text(summary((DOCS / "index.md").read_text(encoding="utf-8")), encoding="utf-8")
    book = (ROOT / "site/book.toml").read_text(encoding="utf-8")
    (folder / "book.toml").write_text(book.replace("REPOSITORY", address), encoding="utf-8")
    shutil.copy(ROOT / "site/site.css", folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
