-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- manual.lua - a module's reference (README.md), arranged as a page of the manual. A filter of pandoc, from 2.11 on.
--
-- The title and the table below it become NAME. A table becomes a list, which reads well at any width and is found
-- by its first column. Links within the project become their text, and code is bold: a terminal has one typeface.

local modules = { 'mod_proxy_fastcgi', 'mod_balancer_byrequests', 'mod_balancer_manager' }
local for_contributors = 'For developers'
local manual = 'https://httpd.apache.org/docs/2.4/mod/mod_proxy.html'

local stringify = pandoc.utils.stringify

-- "Default: 5s", for a column between the first and the last.
local function labelled(header, blocks)
    local inlines = pandoc.utils.blocks_to_inlines(blocks)
    local label = stringify(header)
    if label ~= '' then
        table.insert(inlines, 1, pandoc.Str(label .. ': '))
    end
    return inlines
end

local function list_of(simple)
    local items, last = {}, #simple.headers
    for _, row in ipairs(simple.rows) do
        local term = pandoc.utils.blocks_to_inlines(row[1])
        for i = 2, last - 1 do
            if #row[i] > 0 then
                table.insert(term, pandoc.Str(i == 2 and '   ' or ', '))
                for _, inline in ipairs(labelled(simple.headers[i], row[i])) do
                    table.insert(term, inline)
                end
            end
        end
        table.insert(items, { term, { row[last] } })
    end
    return pandoc.DefinitionList(items)
end

-- What Description, Syntax, Default and the like of a directive are: a line each.
local function facts_of(simple)
    local lines = pandoc.List()
    for i, row in ipairs(simple.rows) do
        if i > 1 then
            lines:insert(pandoc.LineBreak())
        end
        lines:extend { pandoc.Str(stringify(row[1]) .. ':'), pandoc.Space() }
        lines:extend(pandoc.utils.blocks_to_inlines(row[2]))
    end
    return pandoc.Para(lines)
end

local function text_of_table(block)
    local simple = pandoc.utils.to_simple_table(block)
    local has_header = false
    for _, header in ipairs(simple.headers) do
        has_header = has_header or #header > 0
    end
    return has_header and list_of(simple) or facts_of(simple)
end

-- What the module is, in its own words: of the first table, which has a row "Description".
local function description_of(simple)
    for _, row in ipairs(simple.rows) do
        if stringify(row[1]) == 'Description' then
            return pandoc.utils.blocks_to_inlines(row[2])
        end
    end
    error('the first table has no row "Description"')
end

local function name_section(module, description)
    local line = pandoc.List { pandoc.Str(module), pandoc.Space(), pandoc.Str('-'), pandoc.Space() }
    line:extend(description)
    return pandoc.List { pandoc.Header(1, 'NAME'), pandoc.Para(line) }
end

local function see_also(module)
    local pages = pandoc.List()
    for _, other in ipairs(modules) do
        if other ~= module then
            pages:extend { pandoc.Strong(other), pandoc.Str('(7), ') }
        end
    end
    pages:insert(pandoc.Str(manual))
    return pandoc.List { pandoc.Header(1, 'SEE ALSO'), pandoc.Para(pages) }
end

local function arrange(doc)
    local module = stringify(doc.meta.module)
    local title, facts = doc.blocks[1], doc.blocks[2]
    assert(title.tag == 'Header' and facts.tag == 'Table', 'a reference starts with its title and a table')
    local blocks = name_section(module, description_of(pandoc.utils.to_simple_table(facts)))
    local is_left_out = false
    for i = 3, #doc.blocks do
        local block = doc.blocks[i]
        if block.tag == 'Header' and block.level == 2 then
            is_left_out = stringify(block) == for_contributors
        end
        if block.tag == 'Table' then
            block = text_of_table(block)
        elseif block.tag == 'Header' then
            block.level = block.level - 1
            local text = stringify(block)
            block.content = { pandoc.Str(block.level == 1 and text:upper() or text) }
        end
        if not is_left_out then
            blocks:insert(block)
        end
    end
    blocks:extend(see_also(module))
    doc.meta.title = module
    return pandoc.Pandoc(blocks, doc.meta)
end

local function text_of_link(link)
    if not link.target:match('^https?:') then
        return link.content
    end
end

-- pandoc's own names a font that not every formatter has.
local function verbatim(block)
    local text = block.text:gsub('\\', '\\e'):gsub('%-', '\\-')
    text = ('\n' .. text):gsub("\n([.'])", '\n\\&%1')
    return pandoc.RawBlock('man', '.sp\n.RS 4\n.nf' .. text .. '\n.fi\n.RE')
end

local function bold(code)
    return pandoc.Strong(pandoc.Str(code.text))
end

local function nothing()
    return {}
end

return {
    { RawInline = nothing, RawBlock = nothing, Image = nothing },
    { Link = text_of_link, Code = bold, CodeBlock = verbatim },
    { Pandoc = arrange },
}
