"""The fixed cast of all tests: Acme with its people, and Globex with Eve, who must see nothing of Acme."""

from alertwhisperer.domain.scope import Actor

ACME = "acme"
GLOBEX = "globex"

ADA = Actor(kind="user", id="ada", name="Ada", role="msp_admin")
CARL = Actor(kind="user", id="carl", name="Carl", role="company_admin")
RIO = Actor(kind="user", id="rio", name="Rio", role="technician")
VIC = Actor(kind="user", id="vic", name="Vic", role="client")
EVE = Actor(kind="user", id="eve", name="Eve", role="technician")
