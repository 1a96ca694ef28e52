"""Reading: a passage of two to four short sentences, and one fact asked for."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from holdtrue.scenarios.capability.drafts import Draft, Task, check, pick, sample, table

__all__ = ["TASKS"]

PLACES: Final = ("drawer", "basket", "cupboard", "suitcase", "oven", "garage", "attic", "mailbox", "fridge", "bathtub")


def _asked(passage: str, question: str, right: str, *rivals: str) -> Draft:
    return Draft(f"{passage} {question}", (check("word", right, rivals=rivals),), right)


def _one_of_three(
    rng: np.random.Generator, who: Sequence[str], what: Sequence[str], said: str, asked: str, whose: str = ""
) -> Draft:
    """Three alike facts, one of them asked for: who merely says the passage again gives the first.

    Args:
        rng: picks the fact, and the direction if there are two.
        who: three of a kind.
        what: what is said of each.
        said: a sentence with `{who}` and `{what}`.
        asked: a question with `{who}`, answered by `what`.
        whose: a question with `{what}`, answered by `who`; none if empty.
    """
    passage = " ".join(said.format(who=a, what=b) for a, b in zip(who, what, strict=True))
    at = int(rng.integers(3))
    back = bool(whose) and bool(rng.integers(2))
    options = who if back else what
    question = whose.format(what=what[at]) if back else asked.format(who=who[at])
    return _asked(passage, question, options[at], *(each for each in options if each != options[at]))


FACTS: Final = (
    ("towns", "{a} lives in {b}.", "Where does {a} live?"),
    ("animals", "{a} has a pet {b}.", "What pet does {a} have?"),
    ("colors", "The car of {a} is {b}.", "What color is the car of {a}?"),
    ("jobs", "{a} works as a {b}.", "What is the job of {a}?"),
    ("dishes", "{a} likes to eat {b}.", "What does {a} like to eat?"),
    ("things", "{a} collects {b}.", "What does {a} collect?"),
)
"""About one person: table, sentence and question."""


def _portrait(rng: np.random.Generator) -> Draft:
    a, facts = pick(rng, table("names")), sample(rng, FACTS, 3)
    values = [pick(rng, table(name)) for name, _, _ in facts]
    at = int(rng.integers(3))
    return _asked(
        " ".join(said.format(a=a, b=value) for (_, said, _), value in zip(facts, values, strict=True)),
        facts[at][2].format(a=a),
        values[at],
        *(each for each in values if each != values[at]),
    )


def _pet(rng: np.random.Generator) -> Draft:
    return _one_of_three(
        rng,
        sample(rng, table("names"), 3),
        sample(rng, table("animals"), 3),
        "{who} has a pet {what}.",
        "What pet does {who} have?",
        "Who has the {what}?",
    )


def _color(rng: np.random.Generator) -> Draft:
    thing = pick(rng, ("hat", "coat", "bike", "bag", "door", "car"))
    return _one_of_three(
        rng,
        sample(rng, table("names"), 3),
        sample(rng, table("colors"), 3),
        f"The {thing} of {{who}} is {{what}}.",
        f"What color is the {thing} of {{who}}?",
    )


def _town(rng: np.random.Generator) -> Draft:
    a, towns = pick(rng, table("names")), sample(rng, table("towns"), 3)
    question, at = pick(rng, ((f"Where was {a} born?", 0), (f"Where did {a} study?", 1), (f"Where is {a} now?", 2)))
    return _asked(
        f"{a} was born in {towns[0]}. {a} studied in {towns[1]}. Today {a} lives in {towns[2]}.",
        question,
        towns[at],
        *(each for each in towns if each != towns[at]),
    )


def _job(rng: np.random.Generator) -> Draft:
    return _one_of_three(
        rng,
        sample(rng, table("names"), 3),
        sample(rng, table("jobs"), 3),
        "{who} works as a {what}.",
        "What is the job of {who}?",
        "Who is the {what}?",
    )


def _meal(rng: np.random.Generator) -> Draft:
    a, (x, y, z) = pick(rng, table("names")), sample(rng, table("dishes"), 3)
    passage = f"{a} had {x} for breakfast, {y} for lunch and {z} for dinner. It was a good day."
    meal, right = pick(rng, (("breakfast", x), ("lunch", y), ("dinner", z)))
    return _asked(passage, f"What did {a} have for {meal}?", right, *(each for each in (x, y, z) if each != right))


def _sold(rng: np.random.Generator) -> Draft:
    a, things = pick(rng, table("names")), pick(rng, table("things"))
    n = int(rng.integers(3, 60))
    return Draft(
        f"{a} went to the market in the morning. There {a} sold {n} {things}. In the evening it rained. "
        f"How many {things} did {a} sell?",
        (check("number", n),),
        str(n),
    )


def _market(rng: np.random.Generator) -> Draft:
    a, things = pick(rng, table("names")), sample(rng, table("things"), 2)
    sold = [str(each + 3) for each in rng.permutation(57)[:2]]
    at = int(rng.integers(2))
    return _asked(
        f"{a} went to the market. There {a} sold {sold[0]} {things[0]} and {sold[1]} {things[1]}. Then it rained.",
        f"How many {things[at]} did {a} sell?",
        sold[at],
        sold[1 - at],
    )


def _platform(rng: np.random.Generator) -> Draft:
    return _one_of_three(
        rng,
        sample(rng, table("towns"), 3),
        [str(each + 1) for each in rng.permutation(19)[:3]],
        "The train to {who} leaves from platform {what}.",
        "Which platform does the train to {who} leave from?",
    )


def _kept(rng: np.random.Generator) -> Draft:
    return _one_of_three(
        rng,
        sample(rng, table("tools"), 3),
        sample(rng, PLACES, 3),
        "The {who} is in the {what}.",
        "Where is the {who}?",
        "What is in the {what}?",
    )


def _likes(rng: np.random.Generator) -> Draft:
    (a, b), (x, y) = sample(rng, table("names"), 2), sample(rng, table("dishes"), 2)
    true = bool(rng.integers(2))
    right, wrong = ("yes", "no") if true else ("no", "yes")
    return _asked(
        f"{a} loves {x} but never eats {y}. {b} eats everything.",
        f"Does {a} eat {x if true else y}? Answer yes or no.",
        right,
        wrong,
    )


def _race(rng: np.random.Generator) -> Draft:
    names = sample(rng, table("names"), 3)
    place, at = pick(rng, (("first", 0), ("second", 1), ("last", 2)))
    rivals = [each for each in names if each != names[at]]
    return _asked(
        f"{names[0]} finished the race first. {names[1]} came second. {names[2]} came last.",
        f"Who came {place}?" if at else "Who finished the race first?",
        names[at],
        *rivals,
    )


def _gift(rng: np.random.Generator) -> Draft:
    (a, b, c), x = sample(rng, table("names"), 3), pick(rng, table("tools"))
    passage = f"It was the birthday of {a}. {b} gave {a} a {x}. {c} baked a cake."
    if rng.integers(2):
        return _asked(passage, "Who baked the cake?", c, a, b)
    return _asked(passage, f"Whose birthday was it, that of {a}, {b} or {c}? Answer with a name.", a, b, c)


def _tallest(rng: np.random.Generator) -> Draft:
    a, b, c = sample(rng, table("names"), 3)
    word, right = pick(rng, (("tallest", a), ("shortest", c)))
    return _asked(
        f"{a} is taller than {b}. {b} is taller than {c}.",
        f"Who is the {word} of the three? Answer with a name.",
        right,
        *(each for each in (a, b, c) if each != right),
    )


TASKS: Final[tuple[Task, ...]] = (
    _portrait,
    _sold,
    _gift,
    _pet,
    _likes,
    _portrait,
    _race,
    _sold,
    _market,
    _job,
    _portrait,
    _meal,
    _kept,
    _sold,
    _town,
    _portrait,
    _platform,
    _gift,
    _color,
    _tallest,
)
"""In the order in which they are drawn."""
