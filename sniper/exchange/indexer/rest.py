"""The REST service: finds what answers a request, counts it, checks it, and puts headers on the answer (rest.md 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from sniper.exchange.indexer import windows
from sniper.exchange.indexer.asking import Asked, Invalid, Missing
from sniper.exchange.indexer.faults import HTML, Mischief
from sniper.exchange.indexer.routes import Route, find
from sniper.exchange.indexer.screening import Screening
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.writing import encode

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
HTML_TYPE: Final = {"Content-Type": "text/html; charset=utf-8"}
SCREENED: Final = ("/v4/screen", "/v4/compliance/screen/{address}")
QUERY_MAX, FIELDS_MAX = 8_192, 100
Reply = tuple[int, dict[str, str], bytes]
"""(status, headers, body)"""


def failure(text: str, **more: str) -> bytes:
    """The body of an error."""
    return encode({"errors": [{"msg": text} | more]})


class Rest:
    """All endpoints. state, live: what requests see now, with and without replica lag."""

    def __init__(
        self,
        settings: IndexerSettings,
        mischief: Mischief,
        screening: Screening,
        state: Callable[[], State],
        live: Callable[[], State],
    ) -> None:
        self._settings = settings
        self._mischief = mischief
        self._screening = screening
        self._state, self._live = state, live
        self._windows = windows.Windows(settings.clients_max)
        self._screened: dict[str, None] = {}

    def ask(self, path: str, query: str, client: str, now_ns: int) -> Reply:
        """Answer a GET request. client: what requests are counted by, an IP address."""
        mischief = self._mischief
        if mischief.strikes("rest_html"):
            return 502, dict(HTML_TYPE), HTML
        found = find(path)
        if found is None:
            text = f"<pre>Cannot GET {path}</pre>".encode("utf-8", "replace")
            return 404, dict(HTML_TYPE), b"<!DOCTYPE html>\n<html><body>" + text + b"</body></html>\n"
        route, named = found
        if len(query) > QUERY_MAX:
            return 414, dict(JSON), failure("URI Too Long")
        try:
            fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=FIELDS_MAX))
        except ValueError:
            return 400, dict(JSON), failure("Bad Request")
        named = {key: unquote(value) for key, value in named.items()}
        headers = dict(JSON)
        if self._settings.limits and route.bucket is not None:
            points = windows.cost(fields.get("page"), fields.get("limit"), self._settings.page_max)
            spent = self._windows.spend(route.bucket, client, points, now_ns)
            headers |= windows.headers(route.bucket, spent, now_ns)
            if spent.over:
                return 429, headers, failure("Too many requests")
        if mischief.strikes("rest_too_many"):
            return 429, headers | {"Retry-After": "1000"}, failure("Too many requests")
        if mischief.strikes("rest_error"):
            status, body = mischief.server_error()
            return status, headers, body
        status, body = self._answer(route, named, fields, client, now_ns)
        if route.age_s >= 0 and status == 200:
            headers["Cache-Control"] = f"public, max-age={route.age_s}" if route.age_s else "no-store"
        return status, headers, body

    def fetch(self, path: str, query: str, now_ns: int) -> tuple[int, bytes]:
        """What the WebSocket service asks for a snapshot: not counted, and nothing goes wrong with it here."""
        found = find(path)
        assert found is not None, f"{path} is one of our own"
        return self._answer(found[0], found[1], dict(parse_qsl(query)), "", now_ns)

    def _answer(
        self, route: Route, named: dict[str, str], fields: dict[str, str], client: str, now_ns: int
    ) -> tuple[int, bytes]:
        asked = Asked(self._state(), self._live(), self._screening, named, fields, now_ns)
        try:
            if route.guarded:
                refusal = self._screening.refusal(asked.text("address"))
                if refusal is not None:
                    return 403, failure(refusal[0], code=refusal[1])
            if route.path in SCREENED and not self._may_screen(asked.text("address"), client, now_ns):
                return 429, failure("Too many requests")
            body: Any = route.answer(asked)
        except Invalid as wrong:
            return 400, encode({"errors": wrong.errors})
        except Missing as missing:
            return 404, failure(str(missing))
        return 200, encode(body)

    def _may_screen(self, address: str | None, client: str, now_ns: int) -> bool:
        """The first screening of an address goes to a provider, which is asked rarely."""
        if address is None or address in self._screened or not self._settings.limits:
            return True
        if self._windows.spend(windows.SCREEN, client, 1, now_ns).over:
            return False
        if self._windows.spend(windows.SCREEN_GLOBAL, "", 1, now_ns).over:
            return False
        self._screened[address] = None
        if len(self._screened) > self._settings.clients_max:
            del self._screened[next(iter(self._screened))]
        return True
