"""Stateful fakes of services, and fixtures, for all tests."""
