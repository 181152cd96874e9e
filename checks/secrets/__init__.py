"""Secrets: rules, engine, judge, keys."""
