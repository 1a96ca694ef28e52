"""The `holdtrue` model provider of Inspect: any Inspect task on a held model.

Nothing is imported here: Inspect loads `registry` whenever it starts, and that must not wait for torch.
"""
