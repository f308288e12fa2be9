-- cakto.lua: wrk's requests: signed-by-secret Cakto bodies of about 1 kB, every one a new order.
-- The threads of wrk are separate interpreters; `setup` gives each a number of its own.
local counter = 0
function setup(thread)
    thread:set("id", counter)
    counter = counter + 1
end

local seq, path, now, run = 0, "/api/webhook-cakto", os.date("!%Y-%m-%dT%H:%M:%SZ"), os.time()
local pad = string.rep("x", 330)
local format = string.format
function request()
    seq = seq + 1
    local body = format('{"secret":"7d0c5a1e-0000-4000-8000-00000000ca01","event":"purchase_approved","data":{"id":"%08x-%04x-4000-8000-%012x",'
        .. '"refId":"B%d","customer":{"name":"Cliente Exemplo","email":"c%d.%d@example.com","phone":"5511%09d","docNumber":null},'
        .. '"offer":{"id":"exOfr01","name":"Curso Exemplo","price":39.9},"offer_type":"main","product":{"id":"0d5f7f0e-11aa-4c3e-9a51-0f4b6a4e0001","name":"Curso Exemplo","type":"unique"},'
        .. '"status":"paid","baseAmount":39.9,"discount":null,"amount":39.9,"fees":2.99,"paymentMethod":"pix","installments":1,'
        .. '"utm_source":"facebook","utm_campaign":"%s","paidAt":"%s","createdAt":"%s"}}', run, id, seq, seq, id, seq, 900000000 + (id * 40000000 + seq) % 99999999, pad, now, now)
    return wrk.format("POST", path, { ["Content-Type"] = "application/json" }, body)
end
