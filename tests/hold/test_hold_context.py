"""The context policy: what it puts in, what it leaves out, and what it never touches."""

import copy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdtrue.hold.context import HAND_OVER, Shaped, shape, summary_request, summary_tokens, with_summary
from holdtrue.records import ContextSpec

SYSTEM = {"role": "system", "content": "You are Ada, a librarian."}


def talk(n_exchanges: int, *, system: bool = True) -> list[dict[str, str]]:
    """Numbered exchanges of 40 characters a message, then a last question."""
    turns = [SYSTEM] if system else []
    for i in range(n_exchanges):
        turns.append({"role": "user", "content": f"question {i}".ljust(40, ".")})
        turns.append({"role": "assistant", "content": f"answer {i}".ljust(40, ".")})
    return [*turns, {"role": "user", "content": "the last question"}]


def characters(messages: tuple[dict[str, str], ...]) -> int:
    return sum(len(message["content"]) + 4 for message in messages)


def shaped(messages, spec, *, turn=1, drifting=False, alarmed_turns=0) -> Shaped:
    return shape(messages, spec, turn=turn, drifting=drifting, alarmed_turns=alarmed_turns, count_tokens=characters)


@pytest.mark.parametrize(("every", "turns"), [(1, {1, 2, 3, 4, 5, 6}), (3, {3, 6}), (4, {4}), (None, set())])
def test_a_reminder_comes_before_every_kth_answer(every, turns):
    spec = ContextSpec(remind_every=every)
    assert {turn for turn in range(1, 7) if shaped(talk(2), spec, turn=turn).reminded} == turns


@pytest.mark.parametrize("drifting", [False, True])
def test_a_reminder_while_drifting(drifting):
    out = shaped(talk(2), ContextSpec(remind_on_drift=True, reminder="Be yourself."), drifting=drifting)
    assert out.reminded == drifting
    assert [message["content"] for message in out.messages].count("Be yourself.") == drifting
    if drifting:
        assert out.messages[-2:] == ({"role": "system", "content": "Be yourself."}, talk(0)[-1])


def test_the_system_prompt_is_restated_before_the_last_question():
    out = shaped(talk(2), ContextSpec(reanchor=True))
    assert out.reanchored
    assert out.messages[0] == SYSTEM
    assert SYSTEM["content"] in out.messages[-2]["content"]
    assert out.messages[-2]["role"] == "system"


@pytest.mark.parametrize("messages", [talk(2, system=False), talk(0)], ids=["no prompt", "prompt just before"])
def test_nothing_is_restated_where_there_is_nothing_to_restate(messages):
    out = shaped(messages, ContextSpec(reanchor=True))
    assert not out.reanchored
    assert out.messages == tuple(messages)


def test_anchor_and_reminder_are_one_message_in_that_order():
    out = shaped(talk(2), ContextSpec(reanchor=True, remind_every=1, reminder="Be yourself."))
    assert len(out.messages) == len(talk(2)) + 1
    text = out.messages[-2]["content"]
    assert text.index(SYSTEM["content"]) < text.index("Be yourself.")


def test_the_oldest_exchanges_give_way():
    out = shaped(talk(5), ContextSpec(budget_tokens=230))
    assert out.messages == (SYSTEM, *talk(5)[7:])
    assert (out.dropped, out.over, out.to_summarise) == (6, False, None)


@pytest.mark.parametrize("over_budget", ["trim", "summarise"])
def test_a_budget_that_just_fits_changes_nothing(over_budget):
    spec = ContextSpec(budget_tokens=characters(tuple(talk(5))), over_budget=over_budget)
    assert shaped(talk(5), spec) == Shaped(tuple(talk(5)), n_leading=1)


def test_what_must_stay_may_exceed_the_budget_and_that_is_said():
    long = [{"role": "system", "content": "x" * 100}, *talk(2, system=False)]
    out = shaped(long, ContextSpec(budget_tokens=64))
    assert out.over
    assert out.messages == (long[0], long[-1])


def test_a_reminder_counts_towards_the_budget():
    spec = ContextSpec(remind_every=1, reminder="r" * 60, budget_tokens=230)
    out = shaped(talk(5), spec)
    assert out.reminded
    assert characters(out.messages) <= 230
    assert out.dropped > shaped(talk(5), ContextSpec(budget_tokens=230)).dropped


def test_the_clients_own_system_message_stays_with_the_question_it_stands_before():
    own = {"role": "system", "content": "Answer in French."}
    messages = [*talk(5)[:-1], own, talk(5)[-1]]
    out = shaped(messages, ContextSpec(budget_tokens=120, remind_every=1, reminder="Be yourself."))
    assert [message["content"] for message in out.messages[-3:]] == [
        "Answer in French.",
        "Be yourself.",
        "the last question",
    ]


def test_an_opening_greeting_gives_way_by_itself():
    messages = [SYSTEM, {"role": "assistant", "content": "Welcome!".ljust(40)}, *talk(1, system=False)]
    out = shaped(messages, ContextSpec(budget_tokens=characters(tuple(messages)) - 1))
    assert out.messages == (SYSTEM, *messages[2:])


def test_what_gives_way_is_handed_out_for_a_summary_and_the_summary_fits():
    spec = ContextSpec(budget_tokens=300, over_budget="summarise", reanchor=True)
    out = shaped(talk(8), spec)
    assert out.to_summarise == tuple(talk(8)[1 : 1 + out.dropped])
    told = with_summary(out, "  They spoke of books. ")
    assert told.messages[:2] == (
        SYSTEM,
        {"role": "system", "content": "Earlier in this conversation: They spoke of books."},
    )
    assert told.messages[2:] == out.messages[1:]
    assert told.to_summarise is None
    # The summary is counted in characters here, as everything in these tests is.
    assert characters(with_summary(out, "s" * summary_tokens(300)).messages) <= 300 + len(
        "Earlier in this conversation: "
    )


def test_no_summary_where_there_is_no_room_for_one():
    spec = ContextSpec(budget_tokens=64, over_budget="summarise")
    out = shaped(talk(4), spec)
    assert out.to_summarise is None
    assert not out.over
    assert characters(out.messages) <= 64


def test_an_empty_summary_adds_nothing():
    out = shaped(talk(8), ContextSpec(budget_tokens=300, over_budget="summarise"))
    assert with_summary(out, " \n").messages == out.messages


def test_the_request_for_a_summary_tells_who_said_what():
    system, user = summary_request(talk(1)[1:3], earlier="They met.")
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"].startswith("Summary so far: They met.\n\nUser: question 0")
    assert "\n\nAssistant: answer 0" in user["content"]


@pytest.mark.parametrize(("alarmed", "handed_over"), [(0, False), (2, False), (3, True), (9, True)])
def test_it_hands_over_once_the_alarm_has_stood_long_enough(alarmed, handed_over):
    out = shaped(talk(2), ContextSpec(hand_over_after=3, remind_every=1), alarmed_turns=alarmed)
    assert out.hand_over == handed_over
    assert out.reminded != handed_over
    assert "a person, or begin a new conversation" in HAND_OVER


def test_no_rule_means_no_hand_over():
    assert not shaped(talk(2), ContextSpec(), alarmed_turns=10**6).hand_over


def test_a_conversation_without_a_question_is_left_alone():
    out = shaped([SYSTEM], ContextSpec(remind_every=1, reanchor=True, budget_tokens=64))
    assert out.messages == (SYSTEM,)
    assert not out.reminded


def test_a_system_prompt_that_says_what_the_reminder_says_is_kept():
    spec = ContextSpec(remind_on_drift=True)
    messages = [{"role": "system", "content": spec.reminder}, talk(0)[-1]]
    assert shaped(messages, spec).messages == tuple(messages)


def test_hundreds_of_exchanges_are_counted_a_few_times():
    calls = []

    def counted(messages):
        calls.append(len(messages))
        return characters(messages)

    spec = ContextSpec(budget_tokens=500)
    shape(talk(1000), spec, turn=1, drifting=False, alarmed_turns=0, count_tokens=counted)
    assert len(calls) < 20


MESSAGES = st.lists(
    st.builds(
        lambda role, text: {"role": role, "content": text},
        st.sampled_from(["system", "user", "assistant"]),
        st.text("abc ", max_size=30),
    ),
    max_size=12,
)
ALTERNATING = st.builds(
    lambda n_system, texts: [
        *({"role": "system", "content": f"prompt {i}"} for i in range(n_system)),
        *({"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)),
    ],
    st.integers(0, 2),
    st.lists(st.text("abc ", max_size=60), min_size=1, max_size=11).filter(lambda texts: len(texts) % 2 == 1),
)
SPECS = st.builds(
    ContextSpec,
    remind_every=st.none() | st.integers(1, 4),
    remind_on_drift=st.booleans(),
    reminder=st.just("REMINDER"),
    reanchor=st.booleans(),
    budget_tokens=st.none() | st.integers(64, 400),
    over_budget=st.sampled_from(["trim", "summarise"]),
)
STATES = st.fixed_dictionaries({"turn": st.integers(1, 8), "drifting": st.booleans()})


def insertions(out: Shaped) -> list[dict[str, str]]:
    """The system message that was put in, if one was."""
    if not (out.reminded or out.reanchored):
        return []
    last = max(i for i, message in enumerate(out.messages) if message["role"] == "user")
    return [out.messages[last - 1]]


@given(MESSAGES | ALTERNATING, SPECS, STATES)
def test_whatever_the_conversation(messages, spec, state):
    before = copy.deepcopy(messages)
    out = shaped(messages, spec, **state)
    assert messages == before
    note = insertions(out)
    # Order kept: what is left is the opening, then what follows the part that was dropped, and nothing else.
    left = [message for message in out.messages if not any(message is each for each in note)]
    opening = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    assert left == messages[:opening] + messages[opening + out.dropped :]
    assert len(out.messages) == len(messages) - out.dropped + len(note)
    # What must stay is there.
    users = [message for message in messages if message["role"] == "user"]
    assert [message for message in out.messages if message["role"] == "user"][-1:] == users[-1:]
    assert list(out.messages[:opening]) == messages[:opening]
    # The budget is kept, or it is said that it can't be.
    if spec.budget_tokens is not None:
        assert out.over == (characters(out.messages) > spec.budget_tokens)
    # Nothing is put in that wasn't asked for.
    due = (spec.remind_every is not None and state["turn"] % spec.remind_every == 0) or (
        spec.remind_on_drift and state["drifting"]
    )
    assert out.reminded == (due and bool(users))
    assert any("REMINDER" in message["content"] for message in out.messages) == out.reminded
    if out.to_summarise is not None:
        assert list(out.to_summarise) == messages[opening : opening + out.dropped]


@given(ALTERNATING, SPECS, STATES)
def test_roles_still_alternate(messages, spec, state):
    spoken = [message["role"] for message in shaped(messages, spec, **state).messages if message["role"] != "system"]
    assert spoken == (["user", "assistant"] * len(spoken))[: len(spoken)]
    assert spoken[-1] == "user"


@given(MESSAGES | ALTERNATING, SPECS, STATES)
def test_shaping_again_changes_nothing(messages, spec, state):
    # Left out, what stood before it can make a stray system message one that opens the conversation.
    strays = [at for at, each in enumerate(messages) if each["role"] == "system" and at]
    assume(spec.budget_tokens is None or not strays)
    once = shaped(messages, spec, **state)
    again = shaped(once.messages, spec, **state)
    assert again.messages == once.messages
    assert again.dropped == 0
