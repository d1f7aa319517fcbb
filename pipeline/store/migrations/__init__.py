"""Alembic migrations of the store, applied whenever it is opened."""
