local t = require "weir.test"
local csv = require "csv"

t.test("rows become maps by the header", function()
  t.eq(csv.parse("a,b\n1,2\n3,\n"), { { a = "1", b = "2" }, { a = "3", b = "" } })
  t.eq(csv.parse("a;b\r\n1;2", { separator = ";" }), { { a = "1", b = "2" } })
end)

t.test("without a header they are lists", function()
  t.eq(csv.parse("1,2\n3,4", { header = false }), { { "1", "2" }, { "3", "4" } })
end)

t.test("quoted fields hold anything", function()
  t.eq(csv.parse('a,b\n"x, ""y""","two\nlines"\r\n"",2\n'), { { a = 'x, "y"', b = "two\nlines" }, { a = "", b = "2" } })
end)

t.test("a short row lacks fields, a long one is refused, empty lines are skipped", function()
  t.eq(csv.parse("a,b\n1\n\n2,3\n"), { { a = "1" }, { a = "2", b = "3" } })
  local rows, err = csv.parse("a,b\n1,2,3\n")
  t.eq(rows, nil)
  t.eq(err.message, "row 2 has 3 fields, the header has 2")
end)

t.test("what is no CSV says where", function()
  local _, err = csv.parse('a\n"x')
  t.eq(err.message, "row 2: a quote is not closed")
  _, err = csv.parse('a\n"x"y\n')
  t.eq(err.message, "row 2: something stands behind a quoted field")
end)

t.test("the mark of UTF-8 and nothing at all are fine", function()
  t.eq(csv.parse("\xEF\xBB\xBFa\n1"), { { a = "1" } })
  t.eq(csv.parse(""), weir.array {})
end)

t.test("what is written can be read", function()
  local rows = { { a = 'x "y", z', b = 1 }, { a = "two\nlines", b = weir.null } }
  local text = csv.write(rows, { "a", "b" })
  t.eq(text, 'a,b\r\n"x ""y"", z",1\r\n"two\nlines",\r\n')
  t.eq(csv.parse(text), { { a = 'x "y", z', b = "1" }, { a = "two\nlines", b = "" } })
end)

t.test("ten thousand rows are read", function()
  local lines = { "id,name" }
  for i = 1, 10000 do lines[#lines + 1] = i .. ",name " .. i end
  local rows = csv.parse(table.concat(lines, "\n"))
  t.eq(#rows, 10000)
  t.eq(rows[10000], { id = "10000", name = "name 10000" })
end)
