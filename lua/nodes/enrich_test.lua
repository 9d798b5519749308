local t = require "weir.test"

local order = { id = 1, user_id = 7 }

t.test("what is fetched is added", function()
  local node = t.node("enrich.lua", { key = "user_id", into = "customer", pick = { "name" } })
  node.lend.fetch = function(id)
    t.eq(id, 7)
    return { status = 200, headers = {}, body = { name = "Ada", segment = "gold" } }
  end
  t.eq(node.run(order), { id = 1, user_id = 7, customer = { name = "Ada" } })
  t.eq(node.asked.fetch, { 7 })
end)

t.test("any lent node will do, and the key may be a pointer", function()
  local node = t.node("enrich.lua", { key = "/user/id" })
  node.lend.fetch = { level = 3 }
  t.eq(node.run { user = { id = "u" } }, { user = { id = "u" }, details = { level = 3 } })
end)

t.test("one that is not known gets the value for that", function()
  local node = t.node("enrich.lua", { key = "user_id", into = "customer", missing = { segment = "unknown" } })
  node.lend.fetch = { status = 404, headers = {}, body = weir.null }
  t.eq(node.run(order), { id = 1, user_id = 7, customer = { segment = "unknown" } })
  node.lend.fetch = function() return nil, { code = "not_found", message = "no" } end
  t.eq(node.run(order).customer.segment, "unknown")
end)

t.test("a failure is tried again, and in the end is the node's", function()
  local node = t.node("enrich.lua", { key = "user_id", attempts = 3 })
  local calls = 0
  node.lend.fetch = function()
    calls = calls + 1
    if calls < 3 then return nil, { code = "upstream", message = "no" } end
    return { ok = true }
  end
  t.eq(node.run(order).details, { ok = true })
  node.lend.fetch = function() return nil, { code = "upstream", message = "down" } end
  local out, err = node.run(order)
  t.eq(out, nil)
  t.eq(err.code, "upstream")
  t.eq(#node.asked.fetch, 3)
end)

t.test("it gives up when the deadline passes", function()
  local node = t.node("enrich.lua", { key = "user_id" })
  node.lend.fetch = t.never
  local out, err = node.run(order, { deadline = 100, at = t.advance(101) })
  t.eq(out, nil)
  t.eq(err.code, "timeout")
end)

t.test("an input without the key is refused", function()
  local node = t.node("enrich.lua", { key = "user_id" })
  node.lend.fetch = t.never
  local _, err = node.run {}
  t.eq(err.code, "invalid")
end)
