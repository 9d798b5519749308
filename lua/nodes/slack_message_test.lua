local t = require "weir.test"

local order = { id = 7, customer = { name = "Ada" }, total = 12.5, note = "<b> & more" }

t.test("a template becomes a text", function()
  t.eq(t.node("slack_message.lua", { text = "Order {id} of {customer.name}" }).run(order), { text = "Order 7 of Ada" })
end)

t.test("fields stand below it, with a colour", function()
  local node = t.node("slack_message.lua", { text = "x", fields = { "total", "none", "customer" }, level = "danger" })
  t.eq(node.run(order), { text = "x", attachments = { { color = "#e01e5a", fields = {
    { title = "total", value = "12.5", short = true },
    { title = "customer", value = '{"name":"Ada"}', short = true },
  } } } })
end)

t.test("what comes from outside can't be markup", function()
  t.eq(t.node("slack_message.lua", { text = "{note}" }).run(order).text, "&lt;b&gt; &amp; more")
end)

t.test("the text may be a link", function()
  t.eq(t.node("slack_message.lua", { text = "Order {id}", link = "https://shop.example/7" }).run(order).text,
    "<https://shop.example/7|Order 7>")
end)

t.test("no input is fine, an unknown level is not", function()
  t.eq(t.node("slack_message.lua", { text = "hello" }).run(nil), { text = "hello" })
  local _, err = t.node("slack_message.lua", { text = "x", level = "red" }).run(nil)
  t.ok(err)
end)
