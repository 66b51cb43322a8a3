"""Reporters: one module or package per kind of report."""
