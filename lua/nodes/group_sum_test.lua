local t = require "weir.test"

local lines = {
  { sku = "b", amount = 2, price = 1.5 }, { sku = "a", amount = 1, price = 10 }, { sku = "b", amount = "3" },
}

t.test("items are counted and added up, in the order of their keys", function()
  t.eq(t.node("group_sum.lua", { by = "sku", sum = { "amount", "price" } }).run(lines), {
    { key = "b", count = 2, sums = { amount = 5, price = 1.5 } },
    { key = "a", count = 1, sums = { amount = 1, price = 10 } },
  })
end)

t.test("the list may be an option, the field deeper, and absent", function()
  local node = t.node("group_sum.lua", { items = { { c = { d = 1 } }, {}, { c = { d = 1 } } }, by = "/c/d" })
  t.eq(node.run(nil), { { key = 1, count = 2, sums = {} }, { key = weir.null, count = 1, sums = {} } })
end)

t.test("nothing gives nothing", function()
  t.eq(t.node("group_sum.lua", { by = "x" }).run(weir.array {}), weir.array {})
end)

t.test("what can't be added is refused, by its place", function()
  local _, err = t.node("group_sum.lua", { by = "sku", sum = { "amount" } }).run { { sku = "a", amount = "many" } }
  t.eq(err.code, "invalid")
  t.eq(err.message, "item 1: amount is no number")
  _, err = t.node("group_sum.lua", { by = "sku" }).run { { sku = {} } }
  t.eq(err.message, "item 1: sku is no plain value")
end)
