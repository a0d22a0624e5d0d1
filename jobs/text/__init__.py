"""Texts: as numbers, as models that learn and write them, as conversations of Slack."""
