"""Render docs/roles.md from the verb × role table in domain/user.py."""

from pathlib import Path

from alertwhisperer.domain.user import ROLES, VERBS, may

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "roles.md"

PREAMBLE = """\
# Roles
Rendered from the table in `src/alertwhisperer/domain/user.py` by `make fix`; do not edit.

Everything is denied unless this table grants it, and always within the companies of the person who asks: an
`msp_admin` reaches all companies, everybody else those in their `company_ids`. Another company's documents look as if
they did not exist. A verb that is not in the table is nobody's.

- `msp_admin` runs the platform: all companies, everything.
- `company_admin` is in charge of given companies: settings, keys, their users.
- `technician` works on incidents.
- `client` reads the incidents of their own company, without internal notes or other people's names.

"""


def table() -> str:
    header = f"| verb | {' | '.join(ROLES)} |\n|---|{':-:|' * len(ROLES)}\n"
    rows = [f"| `{verb}` | {' | '.join('✓' if may(role, verb) else '' for role in ROLES)} |\n" for verb in VERBS]
    return header + "".join(rows)


def rendered() -> dict[Path, str]:
    """The text that each rendered file must have."""
    return {DOCS: PREAMBLE + table()}
