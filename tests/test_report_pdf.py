"""A page as PDF: made where WeasyPrint is installed, said where it is not, nothing loaded."""

import sys

import pytest
from tiny_project import tiny_project

from analysis.cli import main
from analysis.core.problems import InputError, SettingsError
from analysis.report import pdf
from analysis.report.page import PageFrame, page

PAGE = page(PageFrame("Revenue is up £3 M", "<h2>Growth</h2><p>Words.</p>"))


@pytest.fixture
def made(tmp_path):
    pytest.importorskip("weasyprint", exc_type=OSError)
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    return tmp_path


def test_a_page_becomes_a_pdf_of_the_same_bytes_each_time(made):
    first = pdf.write_pdf(made / "index.html", made / "a.pdf").read_bytes()
    second = pdf.write_pdf(made / "index.html", made / "b.pdf").read_bytes()
    assert first.startswith(b"%PDF-")
    assert first == second
    assert [path.name for path in made.glob(".unfinished-*")] == []


def test_a_pdf_loads_nothing_from_elsewhere(made):
    for address in ("http://127.0.0.1:9/x.png", "file:///etc/hostname"):
        with pytest.raises(ValueError, match="loads nothing"):
            pdf._only_embedded(address)


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"WeasyPrint is missing[\s\S]*analysis\[pdf\]"):
        pdf.write_pdf(tmp_path / "index.html", tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


def test_a_page_that_cannot_be_laid_out_is_told(made, monkeypatch):
    import weasyprint

    def broken(*_, **__):
        raise AssertionError

    monkeypatch.setattr(weasyprint.HTML, "write_pdf", broken)
    with pytest.raises(InputError, match=r"AssertionError[\s\S]*print the page from a browser"):
        pdf.write_pdf(made / "index.html", made / "x.pdf")
    assert not (made / "x.pdf").exists()


def test_a_run_with_the_setting_publishes_the_pdf_beside_the_page(made, capfd):
    root = made / "project"
    tiny_project(root, {"a": []}, more="[reports]\npdf = true")
    assert main(["run", "quarterly", "--project", str(root)]) == 0
    folder = root / "reports" / "quarterly" / "2024Q2"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "quarterly/2024Q2/report.pdf" in (root / "reports" / "index.html").read_text()
    target = made / "again.pdf"
    words = ["pdf", "2024Q2", "--project", str(root), "--file", str(target)]
    assert main(words) == 0
    assert target.read_bytes() == (folder / "report.pdf").read_bytes()
    (folder / "report.pdf").unlink()
    capfd.readouterr()
    assert main(["pdf", "2024Q2", "--project", str(root)]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0].startswith("Laying out ")
    assert out[-1] == str(folder / "report.pdf")
    assert (folder / "report.pdf").is_file()
    assert main(["pdf", "2024Q2", "--project", str(root), "--out", str(made / "b.pdf")]) == 0
    assert (made / "b.pdf").is_file()
    assert main(["pdf", "2024Q1", "--project", str(root)]) == 1
    assert "analysis run quarterly --period 2024Q1" in capfd.readouterr().err


def test_a_run_without_the_extra_publishes_the_rest_and_says_so(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    tiny_project(tmp_path, {"a": []}, more="[reports]\npdf = true")
    assert main(["run", "quarterly", "--project", str(tmp_path)]) == 0
    assert "No PDF: WeasyPrint is missing" in capfd.readouterr().out
    folder = tmp_path / "reports" / "quarterly" / "2024Q2"
    assert (folder / "index.html").is_file()
    assert not (folder / "report.pdf").exists()
