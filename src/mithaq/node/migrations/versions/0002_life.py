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
    # The year's sum over all search types is counted beside the days from now on: begin it with what was counted.
    op.execute(
        sa.text(
            "INSERT INTO counters (partner, direction, search_type, day, used) "
            "SELECT partner, direction, '*', substr(day, 1, 4), sum(used) FROM counters "
            "WHERE search_type <> '*' GROUP BY partner, direction, substr(day, 1, 4)"
        )
    )
