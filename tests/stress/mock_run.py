"""A run on Inspect's mock model, which answers by a rule and counts its own tokens: counting them would go online.

python mock_run.py OUT: a run for each line it is told, in a process that can be killed. It says each one's id as it
begins and what it ended with. To fork is quicker than to import all again.
"""

import os
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
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            session.stress(OUTSIDE, Path(sys.argv[1]))
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
