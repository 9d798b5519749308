local t = require "weir.test"

t.test("rows become maps", function()
  t.eq(t.node("csv_rows.lua").run("id,name\n1,Ada\n2,Bob\n"), { { id = "1", name = "Ada" }, { id = "2", name = "Bob" } })
end)

t.test("fields become what they look like, if that is wanted", function()
  t.eq(t.node("csv_rows.lua", { types = true, separator = ";" }).run("a;b;c;d;e\n1;-2.5;true;;007\n"),
    { { a = 1, b = -2.5, c = true, d = weir.null, e = "007" } })
end)

t.test("without a header rows are lists", function()
  t.eq(t.node("csv_rows.lua", { text = "1,2", header = false }).run(nil), { { "1", "2" } })
end)

t.test("what is too long, or none, is refused", function()
  local _, err = t.node("csv_rows.lua", { max_rows = 1 }).run("a\n1\n2\n")
  t.eq(err.code, "too_large")
  _, err = t.node("csv_rows.lua").run({})
  t.eq(err.code, "invalid")
  _, err = t.node("csv_rows.lua").run('a\n"1')
  t.eq(err.message, "row 2: a quote is not closed")
end)
