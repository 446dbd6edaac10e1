"""Alembic's entry point: runs the versions on the connection that the store hands over."""

from alembic import context

from mithaq.node.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
