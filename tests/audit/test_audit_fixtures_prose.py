"""The base text: long enough, skewed, topical, seldom alike, and quick to make."""

import re
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from holdtrue.audit.fixtures import fixture_rows
from holdtrue.audit.fixtures.lexicon import lexicon
from holdtrue.audit.fixtures.plan import Row
from holdtrue.audit.fixtures.prose import REQUESTS, Prompt, Writer
from holdtrue.audit.fixtures.streams import zipf
from holdtrue.stats import auroc


@pytest.fixture(scope="module")
def written() -> list[tuple[Prompt, str]]:
    writer = Writer(lexicon(), np.random.default_rng(11))
    return [(prompt, writer.reply(prompt)) for prompt in (writer.prompt() for _ in range(5_000))]


def test_topics_have_vocabularies_of_their_own() -> None:
    topics = lexicon().topics
    assert len(topics) >= 16
    sets = {name: set().union(*kinds.values()) for name, kinds in topics.items()}
    assert all(len(words) >= 60 for words in sets.values())
    counts = Counter(word for words in sets.values() for word in words)
    for words in sets.values():
        assert sum(counts[word] == 1 for word in words) >= 40


def test_prompts_and_replies_have_the_lengths_of_real_ones(written: list[tuple[Prompt, str]]) -> None:
    prompts = np.array([len(prompt.text.split()) for prompt, _ in written])
    replies = np.array([len(reply.split()) for prompt, reply in written if prompt.request == "plain"])
    assert prompts.min() >= 6
    assert np.mean((prompts >= 8) & (prompts <= 45)) > 0.98
    assert np.mean((replies >= 20) & (replies <= 90)) > 0.98
    assert replies.std() > 10
    several = np.mean([reply.count(". ") >= 1 for prompt, reply in written if prompt.request == "plain"])
    assert several > 0.95


def test_replies_take_up_words_of_their_prompts(written: list[tuple[Prompt, str]]) -> None:
    plain = [(prompt, reply) for prompt, reply in written if prompt.request == "plain"]
    taken = np.mean([any(word in reply.lower() for word in prompt.focus) for prompt, reply in plain])
    strange = np.mean(
        [any(word in reply.lower() for word in plain[at - 1][0].focus) for at, (_, reply) in enumerate(plain)]
    )
    assert taken > 0.8 > strange + 0.4


def test_forms_come_when_asked_for_and_seldom_otherwise(written: list[tuple[Prompt, str]]) -> None:
    asked = Counter(prompt.request for prompt, _ in written)
    for name, share in REQUESTS.items():
        assert asked[name] / len(written) == pytest.approx(share, abs=0.012)
    forms = {
        "capitals": lambda reply: reply.isupper(),
        "list": lambda reply: "\n- " in reply,
        "code": lambda reply: "```" in reply,
    }
    for name, has in forms.items():
        assert all(has(reply) for prompt, reply in written if prompt.request == name)
        unasked = np.mean([has(reply) for prompt, reply in written if prompt.request == "plain"])
        assert unasked < 0.008
    quirks = np.mean([bool(re.search(r"https://|!!!", reply)) for prompt, reply in written])
    assert 0.001 < quirks < 0.012


def test_topic_words_belong_to_topics_and_style_words_to_all(written: list[tuple[Prompt, str]]) -> None:
    names = list(lexicon().topics)
    totals = np.array([sum(prompt.topic == name for prompt, _ in written) for name in names])

    def spread(word: str) -> float:
        rates = [
            np.mean([word in reply.lower().split() for prompt, reply in written if prompt.topic == name])
            for name in names
        ]
        return float(np.max(rates) / max(1e-9, np.average(rates, weights=totals)))

    assert all(spread(word) > 3 for word in ("garlic", "seedling", "luggage", "telescope", "needle"))
    assert all(spread(word) < 2 for word in ("often", "people", "think", "enough"))


def test_word_frequencies_are_skewed(written: list[tuple[Prompt, str]]) -> None:
    counts = sorted(Counter(" ".join(reply for _, reply in written).lower().split()).values(), reverse=True)
    assert sum(counts[:50]) > 0.4 * sum(counts)
    assert zipf(40, 0.8)[0] > 4 * zipf(40, 0.8)[-1]


def test_rows_are_seldom_alike(written: list[tuple[Prompt, str]]) -> None:
    shingles = []
    for prompt, reply in written:
        words = re.findall(r"\w+", f"{prompt.text} {reply}".lower())
        shingles.append({tuple(words[at : at + 3]) for at in range(len(words) - 2)})
    seen = Counter(each for row in shingles for each in row)
    index: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    alike = set()
    for at, row in enumerate(shingles):
        # Two rows that share 0.7 of their shingles share one of the rarest third of either's.
        rare = sorted(row, key=lambda each: (seen[each], each))[: int(0.35 * len(row)) + 1]
        for other in {other for each in rare for other in index[each]}:
            if len(row & shingles[other]) >= 0.7 * len(row | shingles[other]):
                alike.add(at)
        for each in rare:
            index[each].append(at)
    assert len(alike) < 0.002 * len(written)


def test_twenty_thousand_rows_take_a_second() -> None:
    fixture_rows("clean_chat", 100, 0, 0)
    start = time.process_time()
    made = fixture_rows("clean_chat", 5_000, 0, 0)
    rate = len(made.suspect) / (time.process_time() - start)
    # Half of what is promised: the test runs with shapes checked, on a shared machine.
    assert rate > 10_000


def test_labels_can_be_told_by_the_words_but_not_wholly() -> None:
    rows = fixture_rows("clean_label", 5_000, 0, 3).suspect
    harmful = np.array([row["label"] == "harmful" for row in rows])
    assert 0.3 <= harmful.mean() <= 0.4
    words = CountVectorizer(binary=True).fit_transform([str(row["text"]) for row in rows])
    scores = cross_val_predict(
        LogisticRegression(C=0.3, max_iter=200), words, harmful, cv=3, method="decision_function"
    )
    assert 0.965 <= auroc(scores[harmful], scores[~harmful]) <= 0.99


def test_a_chosen_reply_takes_up_the_prompt_oftener_than_a_rejected_one() -> None:
    rows: list[Row] = fixture_rows("clean_preference", 1_000, 0, 3).suspect

    def shared(row: Row, side: str) -> int:
        return len(
            {word for word in str(row["prompt"]).lower().split() if len(word) > 4} & set(str(row[side]).lower().split())
        )

    better = np.array([np.sign(shared(row, "chosen") - shared(row, "rejected")) for row in rows])
    assert (better > 0).mean() > 2 * (better < 0).mean()
