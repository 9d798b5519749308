local t = require "weir.test"
local dates = require "dates"

t.test("texts become moments", function()
  t.eq(dates.parse("1970-01-01"), 0)
  t.eq(dates.parse("2026-01-31T12:00:00Z"), 1769860800000)
  t.eq(dates.parse("2026-01-31T12:00:00.25+01:30"), 1769860800000 - 5400000 + 250)
  t.eq(dates.parse("2000-02-29"), 951782400000)
  t.eq(dates.parse("1969-12-31T23:59:59Z"), -1000)
end)

t.test("what is no date is refused", function()
  for _, s in ipairs { "", "2026", "2026-13-01", "2026-02-29", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00", "x" } do
    local ms, err = dates.parse(s)
    t.eq(ms, nil)
    t.eq(err.code, "invalid")
  end
end)

t.test("moments become texts", function()
  t.eq(dates.format(1769860800000), "2026-01-31T12:00:00Z")
  t.eq(dates.format(1769860800007), "2026-01-31T12:00:00.007Z")
  t.eq(dates.format(1769860800000, "%A %d %b %Y, %H:%M (%j)"), "Saturday 31 Jan 2026, 12:00 (031)")
  t.eq(dates.format(-1000), "1969-12-31T23:59:59Z")
end)

t.test("every day of many years goes there and back", function()
  for ms = dates.parse("1890-01-01"), dates.parse("2110-01-01"), 86400000 * 13 do
    t.ok(dates.parse(dates.format(ms)) == ms, dates.format(ms))
  end
end)

t.test("months are added by the calendar", function()
  local ms = dates.parse("2026-01-31T12:00:00Z")
  t.eq(dates.format(dates.add(ms, { months = 1 })), "2026-02-28T12:00:00Z")
  t.eq(dates.format(dates.add(ms, { years = 2, months = 1 })), "2028-02-29T12:00:00Z")
  t.eq(dates.format(dates.add(ms, { months = -2, hours = 13 })), "2025-12-01T01:00:00Z")
  t.throws(function() local s = dates.format(0, "%Q") return s end, "dates_test.lua")
  t.throws(function() dates.add(0, { dayz = 1 }) end, "'dayz' can not be added to a date: years, months, days")
  t.throws(function() dates.add(0, { 1 }) end, "'1' can not be added")
  t.throws(function() dates.add(0, { days = "2" }) end, "dates_test.lua")
  t.throws(function() dates.add(0, { days = 1.5 }) end, "days must be a whole number")
  t.eq(dates.format(dates.day(ms)), "2026-01-31T00:00:00Z")
end)
