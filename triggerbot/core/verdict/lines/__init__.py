"""Failure lines: what they say once everything that varies is masked. Pure.

masks.py       what differs from run to run, and prefixes      numbers.py     numbers that are the failure, and so stay
test_ids.py    the failing test that a line names              shape.py       a line, masked: its test, and the rest
words.py       words, and how much they tell                   likeness.py    how alike two shapes are
generic.py     what any failure may say                        roles.py       what a line is: failure, frame, noise, ...
diagnostics.py failures that are told in several lines
"""
