"""What waits for a commit, and hears of it."""

from alertwhisperer.engine.intent import Intent, Tally
from tests.support.documents import scope


def test_a_listener_that_fails_is_counted_and_keeps_nobody_from_going_on() -> None:
    heard: list[tuple[int | None, BaseException | None]] = []

    def tell(answer: int | None, error: BaseException | None) -> None:
        heard.append((answer, error))
        raise ConnectionResetError("the client has gone")

    tally = Tally()
    intent: Intent[int] = Intent(scope(), lambda _: 7, None, None, tell, tally)
    intent.answer = 7
    intent.succeed()
    intent.fail(ValueError("told already"))
    assert heard == [(7, None)]
    assert tally.failed_answers == 1
