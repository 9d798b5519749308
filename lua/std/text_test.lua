local t = require "weir.test"
local text = require "text"

t.test("texts are split and trimmed", function()
  t.eq(text.split("a, b,,c", ","), { "a", " b", "", "c" })
  t.eq(text.split("", ","), { "" })
  t.eq(text.trim("  a b \n"), "a b")
  t.throws(function() text.split("a", "") end, "a separator is needed")
end)

t.test("templates are filled", function()
  local order = { id = 7, customer = { name = "Ada" }, items = { { sku = "x" } } }
  t.eq(text.fill("Order {id} of {customer.name}: {items.1.sku}{none}", order), "Order 7 of Ada: x")
  t.eq(text.fill("{{id} {items}", order), '{id} [{"sku":"x"}]')
end)

t.test("texts are cut at letters", function()
  t.eq(text.cut("hello world", 8), "hello...")
  t.eq(text.cut("grün", 10), "grün")
  t.eq(text.cut("üüüü", 6), "ü...")
  t.eq(text.cut("abcdef", 4), "a...")
  t.eq(text.cut("abcdef", 3), "abc")
  t.eq(text.cut("abcdef", 2), "ab")
  t.eq(text.cut("üüüü", 3), "ü")
  t.eq(text.cut("abcdef", 0), "")
  t.eq(text.cut("abcdef", -1), "")
end)

t.test("texts are escaped", function()
  t.eq(text.escape_html([[<a href="x">'&]]), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;")
  t.eq(text.escape_url("a b/ü"), "a%20b%2F%C3%BC")
end)
