-- retry: asking again, with growing pauses, within the deadline of the node.
local retry = {}

-- Codes after which trying again may help.
local later = { limited = true, unavailable = true, upstream = true, timeout = true }

---Calls F until it returns no error, or one that will stay, or there is no time left.
---@param ctx weir.Ctx
---@param f fun(attempt: integer): any, weir.Error?
---@param options? { attempts?: integer, initial?: integer, max?: integer, on?: string[] } 3 attempts; pauses from 100 to 2000 ms; codes that are tried again
---@return any output
---@return weir.Error? err
function retry.call(ctx, f, options)
  options = options or {}
  local codes = later
  if options.on then
    codes = {}
    for _, code in ipairs(options.on) do codes[code] = true end
  end
  local attempts, pause = options.attempts or 3, options.initial or 100
  for attempt = 1, attempts do
    local out, err = f(attempt)
    if not err then return out end
    local code = type(err) == "table" and err.code or "script"
    if attempt == attempts or not codes[code] then return nil, err end
    -- Half of the pause is chance, so that many who fail together do not come back together.
    local ms = err.retry_after_ms or pause // 2 + math.random(0, math.ceil(pause / 2))
    local left = ctx.deadline()
    if left and ms >= left then return nil, err end
    ctx.sleep(ms)
    pause = math.min(pause * 2, options.max or 2000)
  end
end

return retry
