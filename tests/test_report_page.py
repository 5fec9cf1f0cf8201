"""An executed notebook becomes a page; what must not be in a page is found."""

import base64

import nbformat
import pytest
from report_examples import DISPLAY, SCOPE, SCRIPT, all_results, growth_result

from analysis import report
from analysis.core.problems import InputError
from analysis.report import page

new = nbformat.v4


def shows(*outputs, **metadata):
    """A code cell that showed these forms of output."""
    cell = new.new_code_cell("secret_of_the_analyst = 1", metadata=metadata)
    cell.outputs = [new.new_output("display_data", output) for output in outputs]
    return cell


def html_cell(html, **metadata):
    return shows({"text/html": html, "text/plain": "plain"}, **metadata)


def made(tmp_path, *cells, **how):
    path = tmp_path / "executed.ipynb"
    nbformat.write(new.new_notebook(cells=list(cells)), path)
    return page.notebook_page(path, **how)


def title(text="# A title"):
    return new.new_markdown_cell(text)


def body_of(html):
    return html[html.index("<main") : html.index("</main>")]


def found(html):
    return [problem.found for problem in page.page_problems(html)]


def test_a_whole_report_has_no_problem(tmp_path):
    results = all_results()
    pieces = [
        report.first_screen(results, SCOPE),
        report.chapters(results, DISPLAY),
        report.track_record(results, DISPLAY),
        report.actions(results, DISPLAY),
        report.glossary(results),
    ]
    html = made(tmp_path, *(html_cell(p._repr_html_()) for p in pieces), eyebrow="Quarterly")
    assert page.page_problems(html) == []
    assert len(html.encode()) < 100_000
    assert "<h1>Revenue is up £298 k on 2010Q3 (+14.3\u00a0%)</h1>" in html
    assert '<a href="#track-record">How good the method would have been</a>' in html


def test_the_policy_forbids_everything_but_inline_style_and_pictures(tmp_path):
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in made(tmp_path, title())


def test_input_printed_text_and_bare_values_stay_with_the_analyst(tmp_path):
    cell = shows({"text/plain": "PosixPath('/home/ada')"}, {"text/html": "<p>shown</p>"})
    cell.outputs.append(new.new_output("stream", name="stdout", text="printed"))
    cell.outputs.append(new.new_output("stream", name="stderr", text="warned"))
    html = made(tmp_path, title(), cell)
    assert "<p>shown</p>" in html
    for hidden in ("secret_of_the_analyst", "PosixPath", "printed", "warned"):
        assert hidden not in html


def test_a_cell_for_the_analyst_is_not_on_the_page(tmp_path):
    note = new.new_markdown_cell("## Only here", metadata={"tags": ["analyst"]})
    assert "Only here" not in made(tmp_path, title(), note)


def test_a_heading_with_nothing_below_it_is_left_out(tmp_path):
    cells = [title(), *map(new.new_markdown_cell, ("## Empty", "## Full", "Words.", "## Last"))]
    html = made(tmp_path, *cells, new.new_code_cell("work.save(result)"))
    assert "Full" in html
    assert "Empty" not in html
    assert "Last" not in html


def test_a_cell_that_failed_is_an_error(tmp_path):
    cell = new.new_code_cell("1 / 0")
    cell.outputs = [new.new_output("error", ename="ZeroDivisionError", evalue="by zero")]
    with pytest.raises(InputError, match=r"cell 2\n.*ZeroDivisionError: by zero"):
        made(tmp_path, title(), cell)


def test_the_first_heading_is_the_title_and_the_words_below_it_stand_with_it(tmp_path):
    html = made(tmp_path, title("# Growth & gaps\n\nWhich customers *can* grow?\n\nRead on."))
    assert "<title>Growth &amp; gaps</title>" in html
    assert '<p class="lede">Which customers can grow?</p>' in html
    assert "<p>Read on.</p>" in body_of(html)
    assert "Which customers" not in body_of(html)


def test_the_word_question_is_for_the_notebook(tmp_path):
    html = made(tmp_path, title("# T\n\n**Question.** Which customers?"))
    assert '<p class="lede">Which customers?</p>' in html


def test_the_style_for_jupyterlab_stays_in_jupyterlab(tmp_path):
    shown = report.headline(growth_result(), DISPLAY)._repr_html_()
    assert shown.startswith('<style class="lab">')
    assert 'class="lab"' not in made(tmp_path, title(), html_cell(shown))


def test_a_title_that_is_given_takes_the_place_of_the_notebook_s(tmp_path):
    html = made(tmp_path, title("# Mine"), title="Yours")
    assert "<h1>Yours</h1>" in html
    assert "Mine" not in html


def test_a_notebook_without_a_title_bears_its_file_s_name(tmp_path):
    assert "<h1>executed</h1>" in made(tmp_path, html_cell("<p>x</p>"))


def test_there_is_one_title_and_every_heading_has_an_id_of_its_own(tmp_path):
    text = "# One\n\n# Two\n\n## Same\n\nwords\n\n## Same\n\n### Third ¶"
    html = made(tmp_path, title(text))
    assert html.count("<h1") == 1
    for heading in ('<h2 id="two">', '<h2 id="same">', '<h2 id="same-2">', '<h3 id="third">'):
        assert heading in html.lower()
    assert "anchor-link" not in html
    assert found(html) == []


@pytest.mark.parametrize(
    "markdown",
    [
        f"# T\n\nA customer named {SCRIPT}",
        f"# T\n\n{SCRIPT}",
        '# T\n\n<img src="data:image/png;base64,eA==" onerror="alert(1)" alt="x">',
        "# T\n\n[x](javascript:alert(1))",
        '# T\n\n<a href=" JaVaScRiPt:alert(1)" onclick="x()">x</a>',
        "# T\n\n<iframe src='https://evil.example'></iframe>",
        "# T\n\n<style>@import url(https://evil.example/x.css)</style>",
        '# T\n\n<b style="background:url(https://evil.example)">x</b>',
        "# T\n\n<svg onload=alert(1)><script>alert(1)</script></svg>",
    ],
)
def test_nothing_in_markdown_runs_or_loads(tmp_path, markdown):
    body = body_of(made(tmp_path, title(markdown)))
    for word in ("<script", "<iframe", "<style", "<svg", '<img src="http', '<a href=" '):
        assert word not in body or f"&lt;{word[1:]}" in body
    html = made(tmp_path, title(markdown))
    assert [f for f in found(html) if "alternative text" not in f] == []


@pytest.mark.parametrize(
    "picture", ["![x](https://evil.example/x.png)", "![x](x.png)", '<img src="x.png" alt="x">']
)
def test_a_picture_by_address_is_told_to_the_analyst_not_lost(tmp_path, picture):
    html = made(tmp_path, title(f"# T\n\n{picture}"))
    assert "img src=" in found(html)[0]


def test_a_picture_attached_to_a_cell_is_on_the_page(tmp_path):
    cell = title("# T\n\nLede.\n\n![A cup](attachment:cup.png)")
    cell.attachments = {"cup.png": {"image/png": "eA=="}}
    html = made(tmp_path, cell)
    assert 'src="data:image/png;base64,eA=="' in html
    assert found(html) == []


def test_markdown_keeps_its_tables_and_links(tmp_path):
    text = "# T\n\n| a | b |\n| --- | --: |\n| 1 | **2** |\n\n[paper](https://example.org/x)"
    body = body_of(made(tmp_path, title(text)))
    assert "<table>" in body
    assert "<strong>2</strong>" in body
    assert '<a href="https://example.org/x">paper</a>' in body


def test_money_in_markdown_is_not_taken_for_mathematics(tmp_path):
    body = body_of(made(tmp_path, title("# T\n\nLede.\n\nFrom $1,000 to $2,000 <b>more</b>.")))
    assert "From $1,000 to $2,000 <b>more</b>." in body


def test_a_frame_of_pandas_loses_its_own_style_and_scrolls(tmp_path):
    import pandas as pd

    html = made(tmp_path, title(), html_cell(pd.DataFrame({"a": [SCRIPT]})._repr_html_()))
    assert "<style scoped" not in html
    assert '<div class="wrap frame" tabindex="0"' in html
    assert "<th></th>" not in html
    assert found(html) == []


def test_a_picture_of_the_notebook_s_own_is_embedded_with_its_words(tmp_path):
    pixel = base64.b64encode(b"not really a picture").decode()
    html = made(tmp_path, title(), shows({"image/png": pixel}, alt='A "line"'))
    assert f'<img src="data:image/png;base64,{pixel}" alt="A &#34;line&#34;">' in html
    assert found(html) == []
    silent = made(tmp_path, title(), shows({"image/png": pixel}))
    assert "a figure without alternative text" in found(silent)


def test_links_to_downloads_are_seen_from_where_the_page_lies(tmp_path):
    table = html_cell(report.table(growth_result(), "backtest", DISPLAY)._repr_html_())
    assert 'href="downloads/growth.backtest.csv"' in made(tmp_path, title(), table)
    assert 'href="../downloads/growth.backtest.csv"' in made(tmp_path, title(), table, root="../")


def test_a_number_and_its_per_cent_stay_on_one_line_also_in_prose(tmp_path):
    html = made(tmp_path, title("# T\n\nLede.\n\nAn 80 % interval; 100% and % of x."))
    assert "An 80\u00a0% interval; 100% and % of x." in html


def test_the_foot_says_where_the_numbers_come_from(tmp_path):
    origin = page.Provenance(SCOPE.as_of, "1a2b3c", "analysis 0.1.0, code 9f8e", None, "growth")
    html = made(tmp_path, title(), provenance=origin.lines(DISPLAY))
    assert "<p>Data known at 30 September 2011, snapshot 1a2b3c.</p>" in html
    assert "<p>Made by analysis 0.1.0, code 9f8e from the notebook growth.</p>" in html


GOOD = '<!doctype html><html lang="en"><h1>T</h1>{}</html>'


@pytest.mark.parametrize(
    ("html", "word"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("<SCRIPT src=x>", "<script>"),
        ("<svg aria-hidden=true><script/></svg>", "<script>"),
        ('<p onclick="x()">', "onclick"),
        ('<img src="x" alt="a" OnError=x>', "onerror"),
        ('<a href="javascript:x()">x</a>', "javascript:x()"),
        ('<a href="&#106;avascript:x()">x</a>', "javascript:x()"),
        ('<a href="data:text/html,x">x</a>', "data:text/html"),
        ('<img src="https://evil.example/x.png" alt="a">', "evil.example"),
        ('<img src="picture.png" alt="a">', "picture.png"),
        ('<img srcset="//evil.example 2x" alt="a">', "evil.example"),
        ('<link rel="stylesheet" href="x.css">', "<link>"),
        ('<iframe srcdoc="x"></iframe>', "<iframe>"),
        ('<svg aria-hidden="true"><use href="https://evil.example#a"/></svg>', "evil.example"),
        ('<svg aria-hidden="true"><image xlink:href="x.png"/></svg>', "x.png"),
        ("<style>@import 'x.css'</style>", "@import"),
        ("<style>p{background:url(//evil.example/x)}</style>", "evil.example"),
        ('<p style="background: url(x.png)">', "x.png"),
        ('<p style="background:url( &quot;x.png&quot; )">', "x.png"),
        ('<meta http-equiv="Refresh" content="0;url=x">', "moves on"),
        ("<img src='data:image/png;base64,x'>", "without alternative text"),
        ('<figure><svg role="img"></svg></figure>', "figure without alternative text"),
        ("<figure>nothing</figure>", "figure without alternative text"),
        ("<svg></svg>", "without alternative text"),
        ('<p id="a"></p><p id="a"></p>', "id a 2 times"),
        ("<h1>two</h1>", "2 headings of level 1"),
        ("x" * 2_000_001, "bytes"),
    ],
)
def test_what_must_not_be_in_a_page_is_found(html, word):
    problems = found(GOOD.format(html))
    assert len(problems) >= 1
    assert any(word in problem for problem in problems), problems


@pytest.mark.parametrize(
    "html",
    [
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
        '<a href="https://example.org">a link waits for its reader</a>',
        '<a href="#part">x</a><p id="part" style="fill: url(#clip)">',
        '<figure><svg role="img" aria-label="a line"></svg></figure>',
        "<figure><table><tr><td>1</td></tr></table></figure>",
        '<svg aria-hidden="true"></svg>',
        '<img src="data:image/png;base64,x" alt="a">',
        "<p>javascript: and url(https://example.org) are words here</p>",
    ],
)
def test_what_may_be_in_a_page_is_no_problem(html):
    assert found(GOOD.format(html)) == []


def test_a_page_without_title_or_language_is_a_problem():
    assert found("<html><p>x</p></html>") == ["0 headings of level 1", "no lang attribute"]


def test_links_that_lead_to_no_file_are_found(tmp_path):
    (tmp_path / "details").mkdir()
    (tmp_path / "details" / "growth.html").write_text('<a href="../downloads/a%20b.csv">x</a>')
    (tmp_path / "index.html").write_text('<a href="details/growth.html#x">x</a><a href="../i">')
    assert [p.found for p in page.link_problems(tmp_path)] == ["a link to ../downloads/a%20b.csv"]
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "a b.csv").write_text("x")
    assert page.link_problems(tmp_path) == []
