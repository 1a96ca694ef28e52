from typing import Any

import pytest

from holdtrue.judges.failures import FailureKind, classify, one_line


class ProviderError(Exception):
    """As the providers' packages make them."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.__dict__.update(fields)


class RateLimitError(ProviderError):
    pass


class Response:
    def __init__(self, status_code: int, headers: dict[str, str] | None = None) -> None:
        self.status_code, self.headers = status_code, headers or {}


QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RateLimitError(f"Error code: 429 - {QUOTA}", status_code=429, code="insufficient_quota"), "ACCOUNT"),
        (RateLimitError(f"{QUOTA} Please retry in 23.5s.", code=429), "TRANSIENT"),
        (
            RateLimitError("Rate limit reached. Please try again in 20s. See /account/billing", status_code=429),
            "TRANSIENT",
        ),
        (ProviderError("Your credit balance is too low to access the API", status_code=400), "ACCOUNT"),
        (ProviderError("no", status_code=401), "ACCOUNT"),
        (ProviderError("no", response=Response(403)), "ACCOUNT"),
        (ProviderError("HTTP 402"), "ACCOUNT"),
        (ProviderError("Incorrect API key provided: sk-x"), "ACCOUNT"),
        (ProviderError("An error occurred (AccessDeniedException)"), "ACCOUNT"),
        (ProviderError("slow down", status_code=429), "TRANSIENT"),
        (ProviderError("Overloaded", status_code=529), "TRANSIENT"),
        (ProviderError("billing service unavailable", status_code=503), "TRANSIENT"),
        (ProviderError("An error occurred (ThrottlingException)"), "TRANSIENT"),
        (TimeoutError(), "TRANSIENT"),
        (ConnectionResetError("reset"), "TRANSIENT"),
        (ExceptionGroup("all", [TimeoutError()]), "TRANSIENT"),
        (ProviderError("The model `gpt-9` does not exist", status_code=404), "OTHER"),
        (ProviderError("request timed out of range", status_code=400), "OTHER"),
        (KeyError("x"), "OTHER"),
    ],
)
def test_failures_are_told_apart(error: BaseException, kind: str) -> None:
    assert classify(error).kind is FailureKind[kind]


def test_the_cause_is_read_too() -> None:
    class RetryError(Exception):
        pass

    try:
        try:
            raise RateLimitError(QUOTA, status_code=429)
        except RateLimitError as error:
            raise RetryError("<Future at 0x7f>") from error
    except RetryError as error:
        found = classify(error)
    assert found.kind is FailureKind.ACCOUNT
    assert found.said == QUOTA


def test_the_words_of_what_was_judged_are_not_the_provider_s() -> None:
    # Inspect's wrapper: the request in its text, the provider's words beside it.
    error = ProviderError("Request: {'content': 'my billing, an invalid API key'}", provider_message="bad request")
    error.status_code = 400  # type: ignore[attr-defined]
    assert classify(error).kind is FailureKind.OTHER
    assert classify(error).said == "bad request"


def test_the_provider_s_own_waiting_time_is_read() -> None:
    slow = RateLimitError("slow down", response=Response(429, {"retry-after": "7.5"}))
    assert classify(slow).retry_after_seconds == 7.5
    dated = RateLimitError("slow down", response=Response(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    assert classify(dated).retry_after_seconds == 0


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Incorrect API key provided: sk-proj-AbC***xyz. You can", "AbC"),
        ("Incorrect API key provided: hunter2hunter2. You can", "hunter2"),
        ("headers {'Authorization': 'Bearer abc.def'}", "abc"),
        ("headers {'x-api-key': 'q8w7e6'}", "q8w7e6"),
        ("GET https://api.x/v1?key=Zm9v&alt=1", "Zm9v"),
        ("proxy http://user:pass@host/", "pass"),
        ("key sk-ant-api03-0000 was revoked", "api03"),
        ("token hf_abcdefgh", "abcdefgh"),
        ("seen 0123456789abcdef0123456789abcdef", "89abcdef"),
    ],
)
def test_secrets_are_redacted(text: str, secret: str) -> None:
    assert secret not in one_line(text)
    assert "[redacted]" in one_line(text)


def test_words_are_not_redacted_and_lines_are_joined() -> None:
    said = "skipping the skeleton: 8192 tokens, model claude-3-5-sonnet-20241022-v2 is busy"
    assert one_line(said) == said
    assert one_line("[bold]ERROR[/bold]: a\n\n\x1b[31mb\u2028c") == "ERROR: a [31mb c"
    assert len(one_line("word " * 200)) == 300
