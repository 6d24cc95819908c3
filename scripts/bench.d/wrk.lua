-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- wrk.lua - makes wrk print one line that a program can read.
--   wrk -s wrk.lua URL                  GET
--   wrk -s wrk.lua URL -- waits LOW HIGH    GET, each with another ?ms= in between
--   wrk -s wrk.lua URL -- upload BYTES  POST; an answer other than BYTES and a line end is "wrong"
wrong = 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    if args[1] == "waits" then
        local low, high = tonumber(args[2]), tonumber(args[3])
        math.randomseed(os.time())
        function request()
            return wrk.format(nil, wrk.path .. "?ms=" .. math.random(low, high))
        end
    end
    if args[1] == "upload" then
        local expected = args[2] .. "\n"
        wrk.method = "POST"
        wrk.body = string.rep("x", tonumber(args[2]))
        function response(status, headers, body)
            if status ~= 200 or body ~= expected then
                wrong = wrong + 1
            end
        end
    end
end

function done(summary, latency, requests)
    local e, bad = summary.errors, 0
    for _, thread in ipairs(threads) do
        bad = bad + thread:get("wrong")
    end
    io.write(string.format("BENCH requests %d us %d p50_us %d p99_us %d bytes %d status %d " ..
        "connect %d read %d write %d timeout %d wrong %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), summary.bytes, e.status, e.connect,
        e.read, e.write, e.timeout, bad))
end
