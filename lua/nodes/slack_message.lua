-- slack_message: the body of a message for Slack's incoming webhooks.
local text = require "text"

local colours = { good = "#2eb67d", warning = "#ecb22e", danger = "#e01e5a" }

-- Slack's own escapes: these three and no others.
local function escaped(s)
  return (s:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

---@type weir.Node
return {
  summary = "Makes a message for Slack of a template and some fields.",
  output = "{ text, attachments }: the body for an incoming webhook",
  example = [[
- id: message
  slack_message: { text: "Order {id} of {customer.name} failed", fields: [total, currency], level: danger }
]],

  config = {
    type = "object", required = { "text" }, ["x-weir-shorthand"] = "text",
    properties = {
      text = { type = "string", description = "The text; {name} and {a.b} are replaced by fields of the input.", examples = { "Order {id} failed" } },
      fields = { type = "array", items = { type = "string" }, maxItems = 10, default = weir.array {}, description = "Fields of the input that are shown below it.", examples = { { "total" } } },
      level = { type = "string", enum = { "none", "good", "warning", "danger" }, default = "none", description = "The colour of the fields.", examples = { "danger" } },
      link = { type = "string", description = "An address that the text leads to.", examples = { "https://shop.example/orders/7" } },
    },
  },

  run = function(ctx, input, config)
    local values = {}
    if type(input) == "table" then
      for k, v in pairs(input) do values[k] = type(v) == "string" and escaped(v) or v end
    end
    local line = text.cut(text.fill(config.text, values), 3000)
    if config.link then line = ("<%s|%s>"):format(config.link:gsub("[<>|%c]", ""), (line:gsub("[<>|]", ""))) end
    local fields = weir.array {}
    for _, name in ipairs(config.fields) do
      local v = values[name]
      if v ~= nil then
        if type(v) == "table" then v = escaped(weir.json.encode(v)) end
        fields[#fields + 1] = { title = name, value = text.cut(tostring(v), 1000), short = #tostring(v) < 40 }
      end
    end
    local message = { text = line }
    if #fields > 0 then message.attachments = { { color = colours[config.level], fields = fields } } end
    return message
  end,
}
