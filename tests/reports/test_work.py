"""What triggerbot leaves for a person, in the mixes of the benchmark (`tests.bench.work`)."""

from tests.bench.work import cells


def test_less_is_left_than_comes_without_it() -> None:
    """In every mix and by every rule; below a half where a real failure is of several jobs, as it mostly is."""
    for mix, real, each, way, found in cells(400):
        where = f"{way.name}, {mix.name}, {real}, {each}"
        assert found.together < found.alone / 2, where
        assert found.looked_at <= found.classified < 1, where
        assert found.classified < found.failed, where
        if each > 1 and way.rule.until_proved is not None:
            assert found.looked_at < 0.5, where
