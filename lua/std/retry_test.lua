local t = require "weir.test"
local retry = require "retry"

-- A ctx for functions that need nothing but its clock.
local function clock(deadline)
  local ctx = { slept = {}, now_ms = 0 }
  function ctx.sleep(ms) ctx.slept[#ctx.slept + 1] = ms; ctx.now_ms = ctx.now_ms + ms end
  function ctx.deadline() return deadline and deadline - ctx.now_ms end
  return ctx
end

t.test("what works is called once", function()
  local ctx = clock()
  t.eq(retry.call(ctx, function(n) return n end), 1)
  t.eq(#ctx.slept, 0)
end)

t.test("what fails is tried again, with growing pauses", function()
  local ctx = clock()
  local out = retry.call(ctx, function(n)
    if n < 4 then return nil, { code = "upstream", message = "no" } end
    return n
  end, { attempts = 5, initial = 100 })
  t.eq(out, 4)
  t.eq(#ctx.slept, 3)
  t.ok(ctx.slept[1] >= 50 and ctx.slept[1] <= 100)
  t.ok(ctx.slept[3] >= 200 and ctx.slept[3] <= 400)
end)

t.test("an error that stays is not tried again", function()
  local calls = 0
  local out, err = retry.call(clock(), function()
    calls = calls + 1
    return nil, { code = "invalid", message = "no" }
  end)
  t.eq(out, nil)
  t.eq(err.code, "invalid")
  t.eq(calls, 1)
end)

t.test("the peer's advice is followed, within the deadline", function()
  local ctx = clock(1000)
  local calls = 0
  local _, err = retry.call(ctx, function()
    calls = calls + 1
    return nil, { code = "limited", message = "later", retry_after_ms = 600 }
  end, { attempts = 10 })
  t.eq(err.code, "limited")
  t.eq(ctx.slept, { 600 })
  t.eq(calls, 2)
end)
