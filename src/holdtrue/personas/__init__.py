"""Personas: the roles, questions and default prompts that a map is made from, built in or your own.

`load_personas()` gives the built-in set; its `subset` draws a smaller one, stratified by category. A folder in the
layout of the public assistant-axis project loads as it is.
"""

from holdtrue.personas.load import demo_conversation, load_benign, load_personas
from holdtrue.personas.persona_set import DefaultPrompt, PersonaSet, Question, Request, Role

__all__ = [
    "DefaultPrompt",
    "PersonaSet",
    "Question",
    "Request",
    "Role",
    "demo_conversation",
    "load_benign",
    "load_personas",
]
