local t = require "weir.test"

t.test("words are joined by dashes", function()
  local node = t.node("slugify.lua", { text = "Hello,  World!" })
  t.eq(node.run(nil), { slug = "hello-world" })
end)

t.test("letters of Western languages become ASCII", function()
  t.eq(t.node("slugify.lua", { text = "Grüße aus Köln" }).run(nil), { slug = "gruesse-aus-koeln" })
  t.eq(t.node("slugify.lua", { text = "Ça va, Zoë?" }).run(nil), { slug = "ca-va-zoe" })
end)

t.test("a long text is cut", function()
  t.eq(t.node("slugify.lua", { text = "one two three", max = 8 }).run(nil), { slug = "one-two" })
end)

t.test("a text without letters is refused", function()
  local out, err = t.node("slugify.lua", { text = "?!" }).run(nil)
  t.eq(out, nil)
  t.eq(err.code, "invalid")
end)

t.test("the configuration is checked", function()
  local out, err = t.node("slugify.lua", {}).run(nil)
  t.eq(out, nil)
  t.ok(err.message:find("text"), err.message)
end)
