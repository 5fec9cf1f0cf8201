// Starts the table of the explore page. It stands behind DataTables in one module, which explore.py
// gives the name AnalysisTable.
const place = document.getElementById("customers");
const found = JSON.parse(document.getElementById("data").textContent);
const MISSING = "\u2013";
const whole = { maximumFractionDigits: 0 };
const money = new Intl.NumberFormat(found.locale, { style: "currency", currency: found.currency, ...whole });
const percent = new Intl.NumberFormat(found.locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = { format: (value) => percent.format(value).replace(/\s?%$/, "\u00a0%") };
const plain = new Intl.NumberFormat(found.locale, { maximumFractionDigits: 2 });
const written = { amount: money, share: share, number: plain };
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => SIGNS[sign]);

// A number is sorted as it is and shown as people write it; what is missing comes last when the
// largest come first. Text is escaped also for the search: the library reads it as HTML there.
function cell(kind) {
  const format = written[kind];
  if (format) {
    return (value, use) => {
      if (use === "sort" || use === "type") return value === null ? -Infinity : value;
      return value === null ? MISSING : format.format(value);
    };
  }
  return (value, use) => {
    if (use === "sort" || use === "type") return value ?? "";
    return value === null ? (use === "display" ? MISSING : "") : escaped(value);
  };
}

const columns = found.columns.map((column, index) => ({
  title: escaped(column.title),
  data: index,
  type: written[column.kind] ? "num" : "string",
  className: written[column.kind] ? "n" : column.isLong ? "long" : "",
  orderSequence: written[column.kind] ? ["desc", "asc"] : ["asc", "desc"],
  cellType: index === 0 ? "th" : "td",
  createdCell: index === 0 ? (th) => th.setAttribute("scope", "row") : undefined,
  render: cell(column.kind),
}));

const words = {
  search: "Search",
  lengthMenu: "_MENU_ rows on a page",
  info: "_START_ to _END_ of _TOTAL_ customers",
  infoEmpty: "No customer",
  infoFiltered: "found among _MAX_",
  zeroRecords: "No customer holds these words.",
  emptyTable: "No customers.",
  thousands: new Intl.NumberFormat(found.locale).format(1000).replace(/[0-9]/g, "") || " ",
  paginate: { first: "First", previous: "Previous", next: "Next", last: "Last" },
};

// Columns come as their cells, or as each value once and its place in every row.
const cells = found.columns.map((c) => c.cells ?? c.places.map((place) => c.values[place]));
const rows = cells[0].map((_, row) => cells.map((column) => column[row]));

// Every row is given; only what is on the page is drawn, so that 50,000 rows open at once.
const table = new AnalysisTable(place, {
  data: rows,
  columns: columns,
  order: [],
  autoWidth: false,
  deferRender: true,
  pageLength: 25,
  lengthMenu: [25, 100, 500],
  language: words,
  layout: { topStart: "search", topEnd: "pageLength", bottomStart: "info", bottomEnd: "paging" },
});
place.dataset.rows = String(table.page.info().recordsTotal);
