"""What prompts are about and what replies are like, by their words: groups that no outcome names."""

from holdtrue.audit.clusters.replies import UNLIKE, ReplyClusters
from holdtrue.audit.clusters.topics import PromptTopics

__all__ = ["UNLIKE", "PromptTopics", "ReplyClusters"]
