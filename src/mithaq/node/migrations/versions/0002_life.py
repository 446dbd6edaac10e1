"""the agreement's life: suspensions, terminations, consultations, overrides and keys, as the parties told them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "life_events",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("partner", sa.String(length=2), nullable=False),
        sa.Column("by", sa.String(length=2), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("agreement", sa.String(length=80), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("life_events_order", "life_events", ["partner", "number"], unique=True)
