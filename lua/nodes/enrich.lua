-- enrich: what a lent service knows of a thing, added to it.
local retry = require "retry"

---@type weir.Node
return {
  summary = "Adds to the input what a lent node answers about it.",
  output = "the input with the answer under the option `into`",
  example = [[
- id: order
  enrich: { key: user_id, into: customer, pick: [name, segment] }
  uses:
    fetch: { http: { base_url: "https://crm.example", path: "/users/${ input }" }, timeout: 2s }
]],

  config = {
    type = "object", required = { "key" },
    properties = {
      key = { type = "string", description = "The field of the input that `fetch` gets as its input, or a JSON pointer to it.", examples = { "user_id", "/user/id" } },
      into = { type = "string", default = "details", description = "Where the answer is put.", examples = { "customer" } },
      pick = { type = "array", items = { type = "string" }, default = weir.array {}, description = "Fields of the answer that are taken; none: all.", examples = { { "name", "segment" } } },
      missing = { description = "What is put there when the service does not know it (404, or not_found).", default = weir.null, examples = { { segment = "unknown" } } },
      attempts = { type = "integer", minimum = 1, maximum = 10, default = 1, description = "How often the service is asked, if it fails.", examples = { 3 } },
    },
  },

  run = function(ctx, input, config)
    local pointer = config.key:sub(1, 1) == "/" and config.key or "/" .. config.key
    local key = weir.get(input, pointer)
    if key == nil then return nil, { code = "invalid", message = ("the input has no %s"):format(config.key) } end
    local answer, err = retry.call(ctx, function() return ctx.fetch(key) end, { attempts = config.attempts })
    local missing = err and err.code == "not_found"
    if err and not missing then return nil, err end
    -- An answer of the http node has status and body; other nodes give the thing itself.
    if not missing and type(answer) == "table" and answer.status and answer.headers then
      missing = answer.status == 404
      answer = answer.body
    end
    if missing then
      answer = config.missing
    elseif #config.pick > 0 and type(answer) == "table" then
      local picked = {}
      for _, name in ipairs(config.pick) do picked[name] = answer[name] end
      answer = picked
    end
    return weir.merge(input, { [config.into] = answer == nil and weir.null or answer })
  end,
}
