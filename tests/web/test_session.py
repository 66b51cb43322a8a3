"""Who may act on the page: people with a token, or users that a proxy vouches for."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from tests.fakes.site import TOKEN, Forms, House, Person
from tests.fakes.world import failure, push
from tests.web.page import PATH, claims
from triggerbot.web import session
from triggerbot.web.layout import is_local
from triggerbot.web.session import SESSION_SECONDS, SLOW_SECONDS, TRIES_ALL, TRIES_PEER, Access

PROXY = Access(user_header="X-Forwarded-User", proxies=("127.0.0.0/8",))


# -- logging in -------------------------------------------------------------------------------------------------


def test_nobody_may_act_who_has_not_logged_in(house: House, visitor: Person) -> None:
    """There are no buttons, there is a way to log in; and a form that is sent all the same is refused."""
    house.hear(failure(), failure(push=push(project="octo/a?b c")))
    assert 'next=%2Fpushes%2Focto%2Fa%253Fb%2520c%2Fabcdef1"' in visitor.get("/pushes/octo/a%3Fb%20c/abcdef1").text

    text = visitor.get(PATH).text

    assert "<form" not in text
    assert 'href="/login?next=%2Fpushes%2Ftry%2Fabcdef1"' in text
    for page, query in ((text, ""), (visitor.get(PATH, job="job").text, "%26job%3Djob")):
        there = f"{quote(f'{PATH}?system=ci&branch=try')}{query}"
        assert f'<a href="/login?next={there}">Log in</a> to retrigger jobs here' in page
    for action in (f"{PATH}/retrigger", "/pause", "/resume", "/logout"):
        answer = visitor.send({"action": action, "form": "x", "count": "1", "job": "job"})
        assert answer.status_code == 401, action
    assert claims(house) == []
    assert house.store.limits.paused() is None


def test_the_token_allows_actions_for_twelve_hours(house: House, visitor: Person, clock: Clock) -> None:
    """The session is a cookie that no script and no other site's page can use; logging out ends it."""
    house.hear(failure())
    form = visitor.forms("/login?next=%2Fpushes%2Ftry%2Fabcdef1")["login"]
    again = visitor.send(form, name="ada", token="wrong")

    answer = visitor.send(dict(Forms(again.text).found[0][1]) | {"action": "/login"}, token=TOKEN)

    assert answer.status_code == 303
    assert answer.headers["location"] == PATH
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=43200" in cookie
    assert TOKEN not in answer.headers["set-cookie"]
    assert "Retrigger" in visitor.get(PATH).text
    clock.move(SESSION_SECONDS - 1)
    assert "Log out" in visitor.get("/").text
    clock.move(2)
    assert "Log out" not in visitor.get("/").text

    visitor.log_in()
    visitor.send(visitor.forms("/")["logout"])
    assert "Log out" not in visitor.get("/").text


def test_a_wrong_token_is_refused_without_saying_how_wrong_it_is(house: House, visitor: Person) -> None:
    """Almost right, empty and long ones get one and the same answer."""
    answers = [visitor.log_in("ada", token) for token in (TOKEN[:-1], TOKEN + "x", "", "x" * 5000, TOKEN.upper())]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert "set-cookie" not in answers[0].headers


def test_guessing_gets_slow_and_locks_nobody_out(
    house: House, visitor: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one proxy all have one address: who knows the token has to wait, too, and gets in."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(session, "_sleep", sleep)
    for _ in range(TRIES_PEER):
        assert visitor.log_in("ada", "wrong").status_code == 401

    assert waited == []
    assert visitor.log_in("ada", "wrong").status_code == 401
    assert visitor.log_in().status_code == 303
    assert waited == [SLOW_SECONDS, SLOW_SECONDS]
    clock.move(61)
    assert visitor.log_in().status_code == 303
    assert len(waited) == 2
    assert TRIES_ALL > TRIES_PEER


def test_guesses_that_wait_are_few(house: House, visitor: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever guesses in parallel is refused, and finds out nothing."""
    monkeypatch.setattr(session, "SLOW_MAX", 0)
    for _ in range(TRIES_PEER):
        visitor.log_in("ada", "wrong")

    answer = visitor.log_in()

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert "set-cookie" not in answer.headers


def test_a_copy_of_a_cookie_ends_with_its_session(house: House, visitor: Person) -> None:
    """Logging out ends it everywhere, and no other session."""
    visitor.log_in()
    copied = dict(visitor.client.cookies)
    with Person(house) as grace:
        grace.log_in("grace")
        visitor.send(visitor.forms("/")["logout"])

        assert "Log out" not in httpx.get(house.url, cookies=copied).text
        assert "Log out" in grace.get("/").text


def test_a_store_that_forgot_the_session_ends_it(make_house: Callable[..., House], visitor: Person) -> None:
    """As a restored copy has."""
    visitor.log_in()
    other = make_house()

    assert "Log out" not in httpx.get(other.url, cookies=dict(visitor.client.cookies)).text


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\x00b"])
def test_people_say_who_they_are(house: House, visitor: Person, name: str) -> None:
    """The name is recorded with their actions, so it must not be empty."""
    assert visitor.log_in(name).status_code == 400


def test_several_tokens_work_while_they_are_exchanged_and_a_session_ends_with_its_own(
    make_house: Callable[..., House], clock: Clock
) -> None:
    """A session ends when its token is removed."""
    old, new = "o" * 20, "n" * 20
    both = make_house(clock=clock, access=Access(tokens=(new, old)))
    with Person(both) as ada, Person(both) as grace:
        assert ada.log_in("ada", old).status_code == 303
        assert grace.log_in("grace", new).status_code == 303
        cookies = [dict(person.client.cookies) for person in (ada, grace)]
    later = make_house(clock=clock, access=Access(tokens=(new,)), directory=both.directory)

    for cookie, known in zip(cookies, (False, True), strict=True):
        answer = httpx.get(later.url, cookies=cookie)
        assert ("Log out" in answer.text) is known


@pytest.mark.parametrize("what", ["flip", "cut", "payload", "empty", "foreign"])
def test_a_forged_session_is_none(house: House, visitor: Person, what: str) -> None:
    """A session with any change is refused."""
    visitor.log_in()
    ((name, value),) = visitor.client.cookies.items()
    payload, _, mac = value.rpartition(".")
    forged = {
        "flip": f"{payload}.{'0' if mac[0] != '0' else '1'}{mac[1:]}",
        "cut": f"{payload}.{mac[:-1]}",
        "payload": f"{payload[:-4]}AAAA.{mac}",
        "empty": ".",
        "foreign": "\xe9.\xe9",
    }[what]

    answer = httpx.get(house.url, headers={b"cookie": f"{name}={forged}".encode("latin-1")})  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert "Log out" not in answer.text


def test_where_people_come_by_https_cookies_travel_no_other_way(make_house: Callable[..., House], clock: Clock) -> None:
    """They belong to this host alone."""
    house = make_house(clock=clock, access=Access(address="https://bot.example", tokens=(TOKEN,)))
    with Person(house) as visitor:
        cookie = visitor.log_in().headers["set-cookie"]
    assert cookie.startswith("__Host-triggerbot=")
    assert "secure" in cookie.lower()


def test_without_a_token_or_a_proxy_the_page_says_how_to_have_one(make_house: Callable[..., House]) -> None:
    """One quiet line says so, and nobody can log in."""
    house = make_house(access=Access())
    house.hear(failure())
    with Person(house) as visitor:
        text = visitor.get(PATH).text
        assert "page.token" in text
        assert "Log in" not in text
        assert visitor.log_in("ada", "").status_code == 401


@pytest.mark.parametrize(
    "wanted", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", "/\n/x"]
)
def test_logging_in_leads_nowhere_else(house: House, visitor: Person, wanted: str) -> None:
    """Only local addresses are accepted as the next page."""
    answer = visitor.send({"action": "/login", "next": wanted}, name="ada", token=TOKEN)

    assert answer.headers["location"] == "/"


@given(st.text(max_size=40).map(lambda rest: "/" + rest))
def test_what_counts_as_a_local_path_is_one(path: str) -> None:
    """In every way that browsers read it."""
    if is_local(path):
        joined = httpx.URL("https://bot.example/login").join(path)
        assert joined.host == "bot.example"
        assert joined.scheme == "https"


# -- a proxy ----------------------------------------------------------------------------------------------------


def test_a_proxy_says_who_it_is(make_house: Callable[..., House], clock: Clock) -> None:
    """Its users act under their names there, without logging in."""
    house = make_house(clock=clock, access=PROXY)
    house.hear(failure())
    with Person(house, **{"x-forwarded-user": "grace@example.org"}) as grace:
        form = grace.forms(PATH)["retrigger"]
        assert grace.send(form, count="3").status_code == 303
        assert grace.send(grace.forms("/")["pause"], note="lunch").status_code == 303
    (claim,) = claims(house)
    assert claim.wanted == 3
    assert claim.origin.endswith(":grace@example.org")
    paused = house.store.limits.paused()
    assert paused is not None
    assert (paused.by, paused.note) == ("grace@example.org", "lunch")


@pytest.mark.parametrize("networks", [("10.0.0.0/8",), ("::1/128",), ("127.0.0.2/32",)])
def test_from_anybody_else_the_header_is_worth_nothing(
    make_house: Callable[..., House], networks: tuple[str, ...]
) -> None:
    """Anybody can send one."""
    house = make_house(access=Access(user_header="X-Forwarded-User", proxies=networks))
    house.hear(failure())
    headers = {"x-forwarded-user": "grace", "x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1"}
    with Person(house, **headers) as visitor:
        assert "<form" not in visitor.get(PATH).text


def test_a_header_that_comes_twice_is_not_believed(make_house: Callable[..., House]) -> None:
    """One of the two did not come from the proxy."""
    house = make_house(access=PROXY)
    house.hear(failure())
    twice = [("x-forwarded-user", "mallory"), ("x-forwarded-user", "grace")]

    assert "<form" not in httpx.get(house.url + PATH, headers=twice).text
    assert "<form" not in httpx.get(house.url + PATH, headers=[("x-forwarded-user", "")]).text


def test_a_proxy_may_know_people_by_any_name(make_house: Callable[..., House]) -> None:
    """In UTF-8, as proxies write; or in Latin-1, as HTTP once had it."""
    house = make_house(access=PROXY)
    for encoding, name in (("utf-8", "Łukasz Żak"), ("utf-8", "李雷"), ("latin-1", "Jörg")):
        answer = httpx.get(house.url, headers=[(b"x-forwarded-user", name.encode(encoding))])
        assert f'<span class="name">{name}</span>' in answer.text


def test_a_form_of_one_user_is_none_of_another(make_house: Callable[..., House]) -> None:
    """Also where the proxy does not take cookies away."""
    house = make_house(access=PROXY)
    house.hear(failure())
    with Person(house, **{"x-forwarded-user": "grace"}) as grace:
        form = grace.forms(PATH)["retrigger"]
        grace.client.headers["x-forwarded-user"] = "ada"
        assert grace.send(form).status_code == 403
        grace.client.headers["x-forwarded-user"] = "grace"
        grace.client.cookies.clear()
        assert grace.send(form).status_code == 403
    assert claims(house) == []
