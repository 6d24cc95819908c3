/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_record.c - any bytes as a record header: what is read can be written and read again. */
#undef NDEBUG
#include <assert.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcgi_record_t record, again;
    unsigned char header[FCGI_RECORD_HEADER_BYTES];
    fcgi_result_t result = fcgi_record_decode(fcgi_span(data, size), &record);
    if (size > 0 && data[0] != 1) {
        assert(result == FCGI_BAD);
        return 0;
    }
    assert(result == (size < FCGI_RECORD_HEADER_BYTES ? FCGI_MORE : FCGI_OK));
    if (result == FCGI_OK) {
        fcgi_record_encode(header, record.type, record.request_id, record.content_bytes);
        assert(fcgi_record_decode(fcgi_span(header, sizeof(header)), &again) == FCGI_OK);
        assert(again.type == record.type && again.request_id == record.request_id);
        assert(again.content_bytes == record.content_bytes && again.padding_bytes == 0);
    }
    return 0;
}
