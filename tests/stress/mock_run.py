"""A run on Inspect's mock model, which answers by a rule and counts its own tokens: counting them would go online.

python mock_run.py OUT
"""

import sys
from pathlib import Path

from inspect_ai.model import ModelOutput, ModelUsage

from holdtrue.stress import session
from holdtrue.stress.outside import InspectTarget

OUTSIDE = session.StressOptions(
    "mockllm/model", arms="free,remind-every", kinds="jailbreak,tool,distress", preset="smoke"
)


def answer(messages, tools, tool_choice, config):
    output = ModelOutput.from_content("mockllm", f"The answer to all {len(messages)} of these is: let us go on.")
    output.usage = ModelUsage(input_tokens=10 * len(messages), output_tokens=12, total_tokens=10 * len(messages) + 12)
    return output


def mock_target(name: str) -> InspectTarget:
    return InspectTarget(name, custom_outputs=answer) if name == OUTSIDE.model else InspectTarget(name)


if __name__ == "__main__":
    session.InspectTarget = mock_target
    session.stress(OUTSIDE, Path(sys.argv[1]))
