"""Who is told of a run, how, and what is never in a message; email and webhook to local servers."""

import email
import email.policy
import http.server
import json
import socketserver
import threading
from contextlib import contextmanager

import pytest
import requests
from run_examples import SECRET_CUSTOMER, cadences_project, run_without_kernels, write_lines

from analysis import cli
from analysis.core import secrets
from analysis.core.files import read_json
from analysis.core.problems import InputError, SettingsError
from analysis.core.project import Project
from analysis.core.settings import Settings
from analysis.run.cadence import How, run_cadence
from analysis.run.ledger import failed_dir
from analysis.run.lock import project_lock
from analysis.run.notify import Message, tell

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7ab"
TEAMS = (
    "https://prod-161.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64"
    "/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"
    "&sig=KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A"
)
PASSWORD = "hunter2-of-the-mail-server"
MESSAGE = Message("failure", "Tiny: quarterly report 2024Q2 failed", ("Nothing was published.",))
TOLD = '[notify.team]\nurl_variable = "TEAM_URL"'


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch):
    """Keep the addresses of these tests out of the register of other tests' secrets."""
    monkeypatch.setattr(secrets, "_hidden", {})
    monkeypatch.setattr(secrets, "_pattern", None)


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def webhook():
    """A web server that keeps what it is sent: (port, messages, statuses to answer with)."""
    messages, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append((self.path, json.loads(body)))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, messages, answers


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to be handed a message."""

    def handle(self):
        self.say("220 local")
        for line in self.rfile:
            word = line.decode().strip().upper()
            if word.startswith("EHLO"):
                self.say("250-local\r\n250 8BITMIME")
            elif word == "DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))
                self.say("250 kept")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox():
    """A mail server: (port, mails)."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler)
    server.daemon_threads = True
    server.mails = []
    with serving(server) as port:
        yield port, server.mails


@pytest.fixture
def intercepted(monkeypatch):
    """Keep what would be sent to the internet: (address, content)."""
    sent = []

    class Answer:
        status_code, content, text, headers = 200, b"ok", "ok", {}

        def json(self):
            return {"ok": True}

    def post(url, data=None, **_):
        sent.append((url, json.loads(data)))
        return Answer()

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr(requests, "request", lambda _, url, **given: post(url, **given))
    return sent


def settings(*on):
    notice = {"url_variable": "TEAM_URL"} | ({"on": on} if on else {})
    return Settings.model_validate({"notify": {"team": notice}})


def tell_at(monkeypatch, url, message=MESSAGE, *on):
    monkeypatch.setenv("TEAM_URL", url)
    return tell(settings(*on), message)


SENT = {"to": "team", "about": "failure", "state": "sent", "error": ""}


def test_email_reaches_a_mail_server(mailbox, monkeypatch):
    port, mails = mailbox
    url = f"mailto://127.0.0.1:{port}/?from=reports@acme.example&to=boss@acme.example"
    assert tell_at(monkeypatch, url) == [SENT]
    (mail,) = [email.message_from_bytes(raw, policy=email.policy.default) for raw in mails]
    assert mail["Subject"] == MESSAGE.title
    assert "boss@acme.example" in mail["To"]
    assert "reports@acme.example" in mail["From"]
    assert mail.get_body(("plain",)).get_content().strip() == MESSAGE.body


def test_a_webhook_is_sent_json(webhook, monkeypatch):
    port, messages, _ = webhook
    assert tell_at(monkeypatch, f"json://127.0.0.1:{port}/hook") == [SENT]
    ((path, content),) = messages
    assert path == "/hook"
    assert (content["title"], content["message"]) == (MESSAGE.title, MESSAGE.body)
    assert content["type"] == "failure"


def test_slack_is_sent_what_it_takes(intercepted, monkeypatch):
    assert tell_at(monkeypatch, SLACK) == [SENT]
    ((url, content),) = intercepted
    assert url == SLACK
    text = json.dumps(content)
    assert MESSAGE.title in text
    assert MESSAGE.body in text
    assert "http" not in text  # no picture or address of anybody else


def test_teams_is_sent_an_adaptive_card(intercepted, monkeypatch):
    assert tell_at(monkeypatch, TEAMS) == [SENT]
    ((url, content),) = intercepted
    assert url == TEAMS.split("?")[0]
    (card,) = content["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = [block["text"] for block in card["content"]["body"]]
    assert [text.replace("\\", "") for text in texts] == [MESSAGE.title, MESSAGE.body]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the environment variable TEAM_URL is not set"),
        ("not-an-address", "TEAM_URL holds no address that apprise knows"),
        (f"mailto://joe:{PASSWORD}@127.0.0.1:9/?from=a@b.example&to=c@d.example", ""),
        ("json://127.0.0.1:9/a-secret-path?key=a-secret-key", "onnection"),
    ],
)
def test_what_cannot_be_sent_is_told_without_the_address(monkeypatch, capfd, url, words):
    (notice,) = tell_at(monkeypatch, url)
    assert notice["state"] == "not sent"
    assert notice["error"]
    assert words in notice["error"]
    captured = capfd.readouterr()
    everything = notice["error"] + captured.out + captured.err
    for secret in (PASSWORD, "joe", "a-secret-path", "a-secret-key"):
        assert secret not in everything


def test_a_service_that_refuses_is_told(webhook, monkeypatch):
    port, _, answers = webhook
    answers.append(403)
    (notice,) = tell_at(monkeypatch, f"json://127.0.0.1:{port}/hook")
    assert notice["state"] == "not sent"
    assert "403" in notice["error"]


def test_each_is_told_only_what_they_want_to_know(intercepted, monkeypatch):
    assert tell_at(monkeypatch, SLACK, MESSAGE, "success", "breach") == []
    assert tell_at(monkeypatch, SLACK, MESSAGE, "failure") == [SENT]
    assert len(intercepted) == 1


@pytest.mark.parametrize("variable", ["", "slack://token", "A B"])
def test_an_address_is_never_a_setting(tmp_path, variable):
    text = f'[notify.team]\nurl_variable = "{variable}"'
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"notify\.team\.url_variable"):
        _ = Project(tmp_path).settings


def test_no_notebook_sees_an_address():
    assert settings().secret_variables == ("TEAM_URL",)


@pytest.fixture
def told(tmp_path, webhook, monkeypatch):
    """A project that tells a webhook of its runs: (project, messages, answers)."""
    port, messages, answers = webhook
    monkeypatch.setenv("TEAM_URL", f"json://127.0.0.1:{port}/hook")
    project = cadences_project(tmp_path / "p", "quarterly", more=f"[quality]\n{TOLD}")
    return project, messages, answers


def titles(messages):
    return [content["title"] for _, content in messages]


def test_success_failure_and_breach_are_told_without_any_customers_data(told, monkeypatch):
    project, messages, _ = told
    run_without_kernels(monkeypatch, failing=["quarterly_one"])
    record = run_cadence(project, "quarterly")
    kept = read_json(failed_dir(project, project.calendar.parse("2024Q2")) / "run.json")
    assert kept["notices"] == record.notices == [SENT]

    run_without_kernels(monkeypatch)
    done = run_cadence(project, "quarterly")
    assert read_json(done.folder / "run.json")["notices"] == [SENT | {"about": "success"}]

    write_lines(project, "2024-06-30")
    run_cadence(project, "quarterly")
    assert titles(messages) == [
        "Tiny: quarterly report 2024Q2 failed",
        "Tiny: quarterly report 2024Q2 published",
        "Tiny: quarterly report 2024Q2 stopped by a quality check",
    ]
    assert "Failed: quarterly_one." in messages[0][1]["message"]
    assert "- money of all lines" in messages[2][1]["message"]
    everything = json.dumps(messages)
    # Names, ids and money of the data: see LINES of tiny_project and SECRET_CUSTOMER.
    for word in (SECRET_CUSTOMER, "Ada", "ada", "bob", "75.5", "10.00", str(project.root)):
        assert word not in everything


def test_an_error_before_the_notebooks_is_told_without_its_text(told, monkeypatch):
    project, messages, _ = told
    lines = project.raw / "invoice_lines.csv"
    lines.write_text("name,of\nAda,Lovelace\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"invoice_lines\.csv"):
        run_cadence(project, "quarterly")
    ((_, content),) = messages
    assert content["title"] == "Tiny: quarterly report failed"
    assert "(input), not quoted here." in content["message"]
    assert "Ada" not in content["message"]


def test_the_same_from_analysis_due(told, capsys):
    project, messages, _ = told
    (project.raw / "invoice_lines.csv").write_text("nothing\nhere\n", encoding="utf-8")
    assert cli.main(["due", "--project", str(project.root)]) == 1
    assert titles(messages) == ["Tiny: loading the data failed"]


def test_an_overruled_check_is_told_without_the_reason(told, monkeypatch):
    project, messages, _ = told
    run_without_kernels(monkeypatch)
    run_cadence(project, "quarterly")
    write_lines(project, "2024-06-30")
    run_cadence(project, "quarterly", how=How(accept="Ada was refunded"))
    message = messages[-1][1]["message"]
    assert "A quality check was overruled, with a reason: " in message
    assert "Ada" not in message


def test_a_message_that_cannot_be_sent_fails_no_run_but_is_told_and_recorded(
    told, monkeypatch, capsys
):
    project, messages, answers = told
    run_without_kernels(monkeypatch)
    answers.append(500)
    assert cli.main(["run", "quarterly", "--project", str(project.root)]) == 0
    assert "team could not be told: " in capsys.readouterr().err
    period = project.calendar.parse("2024Q2")
    (notice,) = read_json(project.run_dir(period) / "run.json")["notices"]
    assert (notice["state"], "500" in notice["error"]) == ("not sent", True)
    assert project.report_dir(period).exists()
    assert cli.main(["runs", "show", "2024Q2", "--project", str(project.root)]) == 0
    assert "Told team of success: not sent" in capsys.readouterr().out
    assert len(messages) == 1


def test_a_look_an_unchanged_run_a_typing_error_and_a_project_in_use_tell_nobody(told, monkeypatch):
    project, messages, _ = told
    run_without_kernels(monkeypatch)
    run_cadence(project, "quarterly", only=["quarterly_one"])
    with pytest.raises(SettingsError, match="2031Q9"):
        run_cadence(project, "quarterly", "2031Q9")
    with project_lock(project, "x"), pytest.raises(InputError, match="in use"):
        run_cadence(project, "quarterly")
    assert messages == []
    run_cadence(project, "quarterly")
    assert run_cadence(project, "quarterly").is_unchanged
    assert len(messages) == 1
