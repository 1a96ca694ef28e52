"""Sessions and turns."""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "holdtrue_sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("reader", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("hold", sa.Text, nullable=False),
        sa.Column("history_digest", sa.Text),
        sa.Column("n_turns", sa.Integer, nullable=False),
        sa.Column("z", sa.Double),
        sa.Column("fired", sa.Double),
        sa.Column("alarm", sa.Boolean, nullable=False),
        sa.Column("alarm_turn", sa.Integer),
        sa.Column("title", sa.Text),
        sa.Column("detector", sa.Text, nullable=False),
    )
    op.create_index("holdtrue_sessions_history", "holdtrue_sessions", ["owner", "history_digest"])
    op.create_index("holdtrue_sessions_updated", "holdtrue_sessions", ["updated"])
    op.create_table(
        "holdtrue_turns",
        sa.Column("session", sa.Text, sa.ForeignKey("holdtrue_sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("turn", sa.Integer, sa.CheckConstraint("turn > 0", name="holdtrue_turns_from_one"), primary_key=True),
        sa.Column("user", sa.Text, quote=True),
        sa.Column("answer", sa.Text),
        sa.Column("projection", sa.Double),
        sa.Column("z", sa.Double),
        sa.Column("fired", sa.Double),
        sa.Column("alarm", sa.Boolean, nullable=False),
        sa.Column("hold", sa.Text, nullable=False),
        sa.Column("hold_digest", sa.Text, nullable=False),
        sa.Column("thinking_projection", sa.Double),
        sa.Column("finish_reason", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Text, nullable=False),
    )
