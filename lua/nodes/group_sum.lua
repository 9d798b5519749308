-- group_sum: the sums of a list, by one of its fields.

---@type weir.Node
return {
  summary = "Groups the items of a list by a field, and counts and adds them up.",
  output = "a list of { key, count, sums }, in the order in which the keys come",
  example = '- group_sum: { items: "${ request.body.lines }", by: sku, sum: [amount, price] }\n',

  config = {
    type = "object", required = { "by" },
    properties = {
      items = { type = "array", description = "The list; left out, it is the input.", examples = { "${ request.body.lines }" } },
      by = { type = "string", description = "The field that groups; a JSON pointer may go deeper.", examples = { "sku", "/customer/country" } },
      sum = { type = "array", items = { type = "string" }, default = weir.array {}, description = "Fields that are added up.", examples = { { "amount" } } },
    },
  },

  run = function(ctx, input, config)
    local items = config.items or input
    if type(items) ~= "table" then return nil, { code = "invalid", message = "a list is needed" } end
    local pointer = config.by:sub(1, 1) == "/" and config.by or "/" .. config.by
    local groups, by_key = weir.array {}, {}
    for i, item in ipairs(items) do
      local key = weir.get(item, pointer)
      if key == nil then key = weir.null end
      if type(key) == "table" then return nil, { code = "invalid", message = ("item %d: %s is no plain value"):format(i, config.by) } end
      local group = by_key[key]
      if not group then
        group = { key = key, count = 0, sums = {} }
        for _, name in ipairs(config.sum) do group.sums[name] = 0 end
        by_key[key] = group
        groups[#groups + 1] = group
      end
      group.count = group.count + 1
      for _, name in ipairs(config.sum) do
        local n = item[name]
        if n ~= nil and type(n) ~= "number" then n = tonumber(n) end
        if n == nil and item[name] ~= nil then
          return nil, { code = "invalid", message = ("item %d: %s is no number"):format(i, name) }
        end
        group.sums[name] = group.sums[name] + (n or 0)
      end
    end
    return groups
  end,
}
