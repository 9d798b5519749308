-- dates: moments as milliseconds since 1970 in UTC, as ctx.now() gives them.
local dates = {}

local day_ms <const> = 86400000

-- Days since 1970 of a date of the Gregorian calendar; months count from March, so that leap days come last.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = year // 400
  local in_era = year - era * 400
  local in_year = (153 * (month - 3) + 2) // 5 + day - 1
  return era * 146097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719468
end

-- Year, month and day of a number of days since 1970.
local function date(n)
  n = n + 719468
  local era = n // 146097
  local left = n - era * 146097
  local in_era = (left - left // 1460 + left // 36524 - left // 146096) // 365
  local in_year = left - (365 * in_era + in_era // 4 - in_era // 100)
  local m = (5 * in_year + 2) // 153
  local month = m < 10 and m + 3 or m - 9
  return in_era + era * 400 + (month <= 2 and 1 or 0), month, in_year - (153 * m + 2) // 5 + 1
end

local function month_length(year, month)
  local next_year, next_month = year, month + 1
  if next_month == 13 then next_year, next_month = year + 1, 1 end
  return days(next_year, next_month, 1) - days(year, month, 1)
end

---The moment that an RFC 3339 text names: 2026-01-31, 2026-01-31T12:00:00Z, 2026-01-31T12:00:00.5+01:00.
---@param s string
---@return integer? ms
---@return weir.Error? err
function dates.parse(s)
  local wrong = { code = "invalid", message = ("'%s' is no date such as 2026-01-31T12:00:00Z"):format(s) }
  local y, mo, d, rest = s:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  y, mo, d = math.tointeger(tonumber(y)), math.tointeger(tonumber(mo)), math.tointeger(tonumber(d))
  if not y or mo < 1 or mo > 12 or d < 1 or d > month_length(y, mo) then return nil, wrong end
  local ms = days(y, mo, d) * day_ms
  if rest == "" then return ms end
  local h, mi, sec, fraction, zone = rest:match("^[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)([Zz+-].*)$")
  h, mi, sec = math.tointeger(tonumber(h)), math.tointeger(tonumber(mi)), math.tointeger(tonumber(sec))
  if not h or h > 23 or mi > 59 or sec > 60 or fraction == "." then return nil, wrong end
  ms = ms + ((h * 60 + mi) * 60 + sec) * 1000
  if fraction ~= "" then ms = ms + math.floor(tonumber("0" .. fraction) * 1000) end
  if zone == "Z" or zone == "z" then return ms end
  local sign, zh, zm = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign then return nil, wrong end
  local offset = (tonumber(zh) * 60 + tonumber(zm)) * 60000
  return ms - (sign == "+" and offset or -offset)
end

---The parts of a moment: year, month, day, hour, minute, second, ms, weekday (1 is Monday), yearday.
---@param ms integer
---@return table
function dates.parts(ms)
  local n = ms // day_ms
  local left = ms - n * day_ms
  local y, mo, d = date(n)
  return {
    year = y, month = mo, day = d, weekday = (n + 3) % 7 + 1, yearday = n - days(y, 1, 1) + 1,
    hour = left // 3600000, minute = left // 60000 % 60, second = left // 1000 % 60, ms = left % 1000,
  }
end

local weekdays = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" }
local months = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                 "November", "December" }

local layouts = {
  Y = function(p) return ("%04d"):format(p.year) end, m = function(p) return ("%02d"):format(p.month) end,
  d = function(p) return ("%02d"):format(p.day) end, H = function(p) return ("%02d"):format(p.hour) end,
  M = function(p) return ("%02d"):format(p.minute) end, S = function(p) return ("%02d"):format(p.second) end,
  L = function(p) return ("%03d"):format(p.ms) end, j = function(p) return ("%03d"):format(p.yearday) end,
  A = function(p) return weekdays[p.weekday] end, a = function(p) return weekdays[p.weekday]:sub(1, 3) end,
  B = function(p) return months[p.month] end, b = function(p) return months[p.month]:sub(1, 3) end,
  ["%"] = function() return "%" end,
}

---A moment as text: RFC 3339, or by %Y %m %d %H %M %S %L %j %a %A %b %B.
---@param ms integer
---@param layout? string
---@return string
function dates.format(ms, layout)
  local p = dates.parts(ms)
  if not layout then layout = p.ms == 0 and "%Y-%m-%dT%H:%M:%SZ" or "%Y-%m-%dT%H:%M:%S.%LZ" end
  for c in layout:gmatch("%%(.)") do
    if not layouts[c] then error("a layout has no %" .. c, 2) end
  end
  return (layout:gsub("%%(.)", function(c) return layouts[c](p) end))
end

local units = { "years", "months", "days", "hours", "minutes", "seconds", "ms" }
local is_unit = {}
for _, unit in ipairs(units) do is_unit[unit] = true end

---A moment later (or earlier): years, months, days, hours, minutes, seconds, ms. The 31st becomes the last of
---a shorter month.
---@param ms integer
---@param by { years?: integer, months?: integer, days?: integer, hours?: integer, minutes?: integer, seconds?: integer, ms?: integer }
---@return integer
function dates.add(ms, by)
  for unit, n in pairs(by) do
    if not is_unit[unit] then
      error(("'%s' can not be added to a date: %s"):format(tostring(unit), table.concat(units, ", ")), 2)
    end
    if math.type(n) ~= "integer" then error(("%s must be a whole number"):format(unit), 2) end
  end
  local p = dates.parts(ms)
  local month = p.year * 12 + p.month - 1 + (by.years or 0) * 12 + (by.months or 0)
  local y, mo = month // 12, month % 12 + 1
  local d = math.min(p.day, month_length(y, mo))
  return days(y, mo, d) * day_ms + ms % day_ms + (by.days or 0) * day_ms + (by.hours or 0) * 3600000
    + (by.minutes or 0) * 60000 + (by.seconds or 0) * 1000 + (by.ms or 0)
end

---The first moment of the day (UTC) of MS.
---@param ms integer
---@return integer
function dates.day(ms)
  return ms - ms % day_ms
end

return dates
