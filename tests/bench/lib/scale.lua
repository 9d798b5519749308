-- wrk script of tests/bench/scale.mjs: requests that differ in one number, which walks through all of them by a stride, so
-- that neighbours in memory are not asked for one after the other.
--
-- SCALE_PATH and SCALE_KEY (the value of x-api-key) have a %d for the number, or none; SCALE_N is how many numbers there are,
-- SCALE_FROM how many requests went before these; SCALE_BODY is a file that is posted.
local path, key = os.getenv("SCALE_PATH"), os.getenv("SCALE_KEY")
local n, stride = tonumber(os.getenv("SCALE_N") or "1"), 7919
local i = (tonumber(os.getenv("SCALE_FROM") or "0") * stride) % n
local file, body = os.getenv("SCALE_BODY"), nil
if file and file ~= "" then local f = assert(io.open(file)); body = f:read("*a"); f:close() end
local mark = "999999999999"
local parts, keep = {}, {}

local function whole(number)
  local text = {}
  for k = 1, #parts do text[2 * k - 1] = parts[k]; if k < #parts then text[2 * k] = number end end
  return table.concat(text)
end

function init()
  local headers = {}
  if key and key ~= "" then headers["x-api-key"] = key:gsub("%%d", mark) end
  if body then headers["Content-Type"] = "application/json" end
  local text = wrk.format(body and "POST" or "GET", (path:gsub("%%d", mark)), headers, body)
  local at = 1
  while true do
    local from, to = text:find(mark, at, true)
    parts[#parts + 1] = text:sub(at, (from or 0) - 1)
    if not from then break end
    at = to + 1
  end
end

-- What is asked for again and again is made once; of a million keys each is made when it is sent.
function request()
  i = (i + stride) % n
  local text = keep[i]
  if not text then
    text = whole(i)
    if n <= 20000 then keep[i] = text end
  end
  return text
end

function done(s, l)
  io.write(string.format("RES %d %d %d %d\n", s.requests, s.duration, s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout + s.errors.status, l:percentile(99)))
end
